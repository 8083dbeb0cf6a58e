# select with a time limit, an alarm, random numbers, the order of a hash.
use strict;
use Time::HiRes qw(time alarm clock_gettime CLOCK_MONOTONIC);
$| = 1;
my $began = clock_gettime(CLOCK_MONOTONIC);
sub say { printf "%s %.6f %.3f\n", "@_", clock_gettime(CLOCK_MONOTONIC) - $began, time }
my ($next, $buffer) = ($began + 1, '');
$SIG{ALRM} = sub { say 'later' };
while (1) {
  my $set = '';
  vec($set, 0, 1) = 1;
  my $left = $next - clock_gettime(CLOCK_MONOTONIC);
  my $found = select($set, undef, undef, $left > 0 ? $left : 0);
  if ($found > 0) {
    sysread(STDIN, $buffer, 4096, length $buffer) or exit;
    while ($buffer =~ s/^(.*)\n//) {
      my %order = map { $_ => 1 } 'a' .. 'h';
      say('echo', $1, rand, join('', keys %order));
      alarm 0.25;
    }
  }
  if (clock_gettime(CLOCK_MONOTONIC) >= $next) { say('tick'); $next += 1 }
}
