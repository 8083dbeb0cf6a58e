#!/usr/bin/env perl
# A broadcast node, broken as its first argument says. It speaks lockstep.
use strict;
use warnings;
use JSON::PP;
use List::Util qw(min);

$| = 1;
my $bug  = shift // '';
my $json = JSON::PP->new->canonical;
my ($me, @peers, @values, %known, %unheard, $lockstep);
my $now = 0;
use constant RETRY => 200_000_000;

sub send_to {
    my ($dest, $body) = @_;
    print $json->encode({ src => $me, dest => $dest, body => $body }), "\n";
}

sub reply {
    my ($message, $body) = @_;
    send_to($message->{src}, { %$body, in_reply_to => $message->{body}{msg_id} });
}

sub hear {
    my ($value, $sender) = @_;
    my $is_new = !$known{$value}++;
    push @values, $value if $is_new || $bug eq 'duplicates';
    return if !$is_new;
    my $from_peer = grep { $_ eq $sender } @peers;
    return if $bug eq 'no-relay' && $from_peer;
    # Without that flaw everybody is told by whoever heard it first.
    my @told = $bug eq 'no-relay' ? @peers[0 .. (@peers ? 0 : -1)] : @peers;
    for my $peer (grep { $_ ne $sender } @told) {
        my $tell = $bug eq 'garbles' && $value % 4 == 2 ? $value + 1_000_000 : $value;
        send_to($peer, { type => 'tell', value => $tell });
        $unheard{$peer}{$tell} = $now + RETRY if $bug ne 'no-retry';
    }
}

sub wake {
    for my $peer (sort keys %unheard) {
        for my $value (sort { $a <=> $b } keys %{ $unheard{$peer} }) {
            next if $unheard{$peer}{$value} > $now;
            send_to($peer, { type => 'tell', value => $value + 0 });
            $unheard{$peer}{$value} = $now + RETRY;
        }
    }
}

sub handle {
    my ($message) = @_;
    my ($body, $src) = ($message->{body}, $message->{src});
    my $type = $body->{type};
    if ($type eq 'init') {
        $me       = $body->{node_id};
        @peers    = grep { $_ ne $me } @{ $body->{node_ids} };
        $lockstep = exists $body->{lockstep};
        my $answer = { type => 'init_ok' };
        $answer->{lockstep} = { version => 1 } if $lockstep;
        reply($message, $answer);
    }
    elsif ($type eq 'topology') { reply($message, { type => 'topology_ok' }) }
    elsif ($type eq 'broadcast') {
        hear($body->{message}, $src) unless $bug eq 'forgets' && $body->{message} % 3 == 1;
        reply($message, { type => 'broadcast_ok' });
    }
    elsif ($type eq 'read') { reply($message, { type => 'read_ok', messages => \@values }) }
    elsif ($type eq 'tell') {
        hear($body->{value}, $src);
        send_to($src, { type => 'told', value => $body->{value} });
    }
    elsif ($type eq 'told') { delete $unheard{$src}{ $body->{value} } }
    elsif ($type eq 'wake') { wake() }
}

while (my $line = <STDIN>) {
    my $message = $json->decode($line);
    $now = $message->{at} // $now;
    handle($message);
    next if !$lockstep;
    my $due = min(map { values %$_ } values %unheard);
    send_to('clock', { type => 'idle', wake_at => $due });
}
