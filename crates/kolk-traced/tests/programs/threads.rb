# Threads, queues, a condition variable with a time limit, random numbers.
require 'timeout'
$stdout.sync = true
BEGAN = Process.clock_gettime(Process::CLOCK_MONOTONIC)
def say(*words)
  puts "#{words.join(' ')} #{(Process.clock_gettime(Process::CLOCK_MONOTONIC) - BEGAN).round(6)} #{Time.now.to_f}"
end
Thread.new { loop { sleep 1; say 'tick', rand } }
while (line = gets)
  line = line.strip
  say 'echo', line, line.hash, Object.new.hash, Process.pid
  Thread.new(line) { |word| sleep 0.25; say 'later', word }
  begin
    Timeout.timeout(0.1) { sleep }
  rescue Timeout::Error
    say 'timeout'
  end
end
