// A worker thread and child processes.
const { Worker, isMainThread, parentPort } = require('worker_threads');
const began = performance.now();
const say = (...words) => console.log(words.join(' '), (performance.now() - began).toFixed(3));
if (isMainThread) {
  const worker = new Worker(__filename);
  worker.on('message', message => say(message));
  require('readline').createInterface({ input: process.stdin }).on('line', line => {
    say('echo', line);
    worker.postMessage(line);
    require('child_process').exec('sleep 0.3; echo child', (error, out) => say(out.trim()));
  });
} else {
  setInterval(() => parentPort.postMessage('tick'), 1000);
  parentPort.on('message', line => setTimeout(() => parentPort.postMessage('later ' + line), 250));
}
