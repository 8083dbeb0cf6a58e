// Timers, promises, the thread pool, random bytes.
const began = performance.now();
const say = (...words) => console.log(words.join(' '), (performance.now() - began).toFixed(3), Date.now());
const sleep = millis => new Promise(done => setTimeout(done, millis));
const crypto = require('crypto'), fs = require('fs');
setInterval(() => say('tick', Math.random()), 1000);
require('readline').createInterface({ input: process.stdin }).on('line', async line => {
  say('echo', line, crypto.randomBytes(4).toString('hex'), crypto.randomUUID(), process.pid);
  await sleep(250);
  say('later', line);
  say(await Promise.race([sleep(5000).then(() => 'slow'), sleep(100).then(() => 'fast')]));
  fs.readFile(__filename, (error, data) => say('file', data.length));
  crypto.pbkdf2('a', 'b', 1000, 16, 'sha256', (error, key) => say('key', key.toString('hex')));
});
