#!/usr/bin/env node
// What `npm start` runs: 100,000 notifications to the simulator on this machine.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 18)) {
  await import('../dist/demo.js');
} else {
  console.error(`carillon needs Node 22.18 or newer; this is ${process.version} (npm start brings Node 24 along)`);
  process.exitCode = 2;
}
