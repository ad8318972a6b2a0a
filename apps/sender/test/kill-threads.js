// Loaded into a command before its own program: ends the first three worker threads in the middle of their work.
let killed = 0;
process.on('worker', (worker) => {
  if (killed++ >= 3) return;
  // A thread is there some 50 ms after it began, later under load: then it is ended while it starts, which may be no worse.
  worker.once('online', () =>
    setTimeout(() => {
      process.stderr.write('a thread was killed\n');
      void worker.terminate();
    }, 150),
  );
});
