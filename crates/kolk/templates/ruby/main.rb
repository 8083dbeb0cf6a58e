#!/usr/bin/env ruby
# frozen_string_literal: true

# The echo node: what it is told comes back.

require_relative 'kolknode'

node = Node.new

node.on('echo') { |body| { type: 'echo_ok', echo: body['echo'] } }

node.run
