#!/usr/bin/env ruby
# Answers each echo from a thread of its own, after a pause that is drawn.
require 'json'
$stdout.sync = true
lock = Mutex.new
name = nil
send = ->(dest, body) { lock.synchronize { puts JSON.generate(src: name, dest: dest, body: body) } }
while (line = gets)
  message = JSON.parse(line)
  body = message['body']
  if body['type'] == 'init'
    name = body['node_id']
    send.call(message['src'], { type: 'init_ok', in_reply_to: body['msg_id'] })
  else
    Thread.new(message['src'], body) do |src, request|
      sleep 0.2 * rand
      send.call(src, { type: 'echo_ok', echo: request['echo'], in_reply_to: request['msg_id'] })
    end
  end
end
