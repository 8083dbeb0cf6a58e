#!/usr/bin/env node
// Answers each echo after a pause that is drawn.
let name;
const send = (dest, body) => console.log(JSON.stringify({ src: name, dest, body }));
require('readline').createInterface({ input: process.stdin }).on('line', line => {
  const { src, body } = JSON.parse(line);
  if (body.type === 'init') {
    name = body.node_id;
    send(src, { type: 'init_ok', in_reply_to: body.msg_id });
  } else {
    setTimeout(() => send(src, { type: 'echo_ok', echo: body.echo, in_reply_to: body.msg_id }), 200 * Math.random());
  }
});
