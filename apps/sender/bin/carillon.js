#!/usr/bin/env node
// The `carillon` command. Plain JavaScript that old versions of Node can read, to tell them what is missing.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 18)) {
  await import('../dist/main.js');
} else {
  console.error(`carillon needs Node 22.18 or newer; this is ${process.version} (npm start brings Node 24 along)`);
  process.exitCode = 2;
}
