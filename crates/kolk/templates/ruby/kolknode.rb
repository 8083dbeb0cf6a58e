# frozen_string_literal: true

# A node on any clock. Handlers run in fibers, one goes on until it waits: state needs no locks.

require 'io/wait'
require 'json'

# An error reply, or no reply in time (code 0: it may have happened).
class RpcError < StandardError
  attr_reader :code

  def initialize(code, text)
    super(text)
    @code = code
  end
end

# A node; its `id` and all `ids` are known once the handler of `init` is called.
class Node
  Timer = Struct.new(:due, :block)

  attr_reader :id, :ids, :random

  def initialize
    @ids = []
    @random = Random.new
    @handlers = {}
    @waiting = {}
    @timers = []
    # Answers to a life before this one may still come, so that numbers begin anywhere.
    @number = @random.rand(2**32)
    @input = +''
    $stdin.binmode
  end

  # The block gets a body and who sent it, and gives the reply's body; or nil, and then whoever
  # answers later sends a body with the request's `msg_id` as `in_reply_to`.
  def on(type, &handler)
    @handlers[type] = handler
  end

  # Nanoseconds. A node in lockstep may know no other time.
  def now
    @at || Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
  end

  def send_message(dest, body)
    $stdout.write(JSON.generate({ src: @id, dest: dest, body: body }), "\n")
  end

  # Runs a block beside the others, until it waits.
  def spawn(&block)
    Fiber.new(&block).resume
  end

  # Calls a block later.
  def after(seconds, &block)
    timer = Timer.new(now + (seconds * 1_000_000_000).round, block)
    at = @timers.bsearch_index { |other| other.due > timer.due } || @timers.size
    @timers.insert(at, timer)
    timer
  end

  def sleep(seconds)
    fiber = Fiber.current
    after(seconds) { fiber.resume }
    Fiber.yield
  end

  # The reply's body. Raises RpcError for an error, or when time is up.
  def rpc(dest, body, seconds = 1)
    fiber = Fiber.current
    number = @number += 1
    late = { 'type' => 'error', 'code' => 0, 'text' => "no reply from #{dest} in time" }
    timer = after(seconds) { fiber.resume(late) }
    @waiting[number] = fiber
    send_message(dest, body.merge('msg_id' => number))
    reply = Fiber.yield
    @timers.delete(timer)
    @waiting.delete(number)
    raise RpcError.new(reply['code'], reply['text']) if reply['type'] == 'error'

    reply
  end

  # An RPC again and again until it is answered: for what may happen twice.
  def retry_rpc(dest, body, seconds = 1)
    rpc(dest, body, seconds)
  rescue RpcError => e
    raise unless [0, 11].include?(e.code)

    sleep(seconds)
    retry
  end

  # Serves until the input ends.
  def run
    loop do
      line = read_line or break
      take(JSON.parse(line)) unless line.empty?
    rescue JSON::ParserError, NoMethodError, KeyError, TypeError => e
      warn "not a message: #{e.message}: #{line[0, 200]}"
    ensure
      fire
      send_message('clock', { type: 'idle', wake_at: @timers.first&.due }) if @at
      $stdout.flush
    end
  end

  private

  # A line; an empty one if a timer is due before it comes; nil at the end of the input.
  def read_line
    until (line = @input.slice!(/\A.*\n/))
      due = @timers.first&.due unless @at
      return '' unless $stdin.wait_readable(due && ([due - now, 0].max / 1e9))

      @input << $stdin.readpartial(1 << 16)
    end
    line
  rescue EOFError
    nil
  end

  def fire
    @timers.shift.block.call while @timers.any? && @timers.first.due <= now
  end

  def take(message)
    src, body = message.fetch_values('src', 'body')
    @at = message['at'] if message.key?('at')
    if (fiber = @waiting[body['in_reply_to']])
      fiber.resume(body)
    elsif body['type'] == 'init'
      init(src, body)
    elsif src != 'clock' && !body.key?('in_reply_to')
      spawn { serve(src, body) }
    end
  end

  def init(src, body)
    @id, @ids = body.fetch_values('node_id', 'node_ids')
    reply = { type: 'init_ok', in_reply_to: body['msg_id'] }
    if (offer = body['lockstep'])
      @number = offer['seed'][0, 8].hex
      @random = Random.new(offer['seed'].hex)
      reply[:lockstep] = { version: 1 }
    end
    send_message(src, reply)
    spawn { serve(src, { 'type' => 'init' }) } if @handlers.key?('init')
  end

  def serve(src, body)
    handler = @handlers.fetch(body['type']) { raise RpcError.new(10, "unknown type #{body['type']}") }
    reply = handler.call(body, src)
  rescue StandardError => e
    warn e.full_message(highlight: false) unless e.is_a?(RpcError)
    code, text = e.is_a?(RpcError) ? [e.code, e.message] : [13, "#{e.message[/.*/]} (#{e.class})"]
    reply = { type: 'error', code: code, text: text }
  ensure
    send_message(src, reply.merge('in_reply_to' => body['msg_id'])) if reply && body.key?('msg_id')
  end
end

# A client of lin-kv, seq-kv or lww-kv. Error 20: there is no such key; 22: its value is another.
class KeyValue
  def initialize(node, service)
    @node = node
    @service = service
  end

  def read(key)
    @node.rpc(@service, { type: 'read', key: key })['value']
  end

  def write(key, value)
    @node.rpc(@service, { type: 'write', key: key, value: value })
  end

  def cas(key, from, to, create: false)
    @node.rpc(@service, { type: 'cas', key: key, from: from, to: to, create_if_not_exists: create })
  end
end
