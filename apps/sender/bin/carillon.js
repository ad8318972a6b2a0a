#!/usr/bin/env node
// The `carillon` command. Plain JavaScript that old versions of Node can read, to tell them what is missing.
const [major, minor] = process.versions.node.split('.').map(Number);

// Node 24 gives new objects up to 96 MB of memory before it tidies them up; with 48 MB a million jobs take 190 MB in
// all instead of 280, in the same time. V8 takes the limit only when it starts: the process begins anew in place, with
// the same pid and streams. Where that cannot be done (Windows, older Node) it goes on with the larger limit.
const youngLimit = '--max-semi-space-size=16';
const isLimited = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((text) =>
  text.includes('semi-space-size'),
);

if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`carillon needs Node 22.18 or newer; this is ${process.version} (npm start brings Node 24 along)`);
  process.exitCode = 2;
} else {
  if (process.argv[2] === 'send' && !isLimited && process.platform !== 'win32' && process.execve !== undefined) {
    process.execve(process.execPath, [process.execPath, ...process.execArgv, youngLimit, ...process.argv.slice(1)]);
  }
  await import('../dist/main.js');
}
