// The main file of a spawned simulator: does what its parent asks over IPC, and ends when the parent is gone.
import type { ControlAnswer, ControlCall, ControlRequest, ControlResponse } from './control.ts';
import { startSimulator } from './simulator.ts';
import type { Simulator } from './simulator.ts';

let simulator: Simulator | null = null;

process.on('message', (request: ControlRequest) => {
  // The parent is this package's spawn.ts: the message is a ControlRequest by construction.
  void answer(request.call).then(
    (done) => respond({ number: request.number, answer: done }),
    (error: unknown) => respond({ number: request.number, answer: { kind: 'failed', message: String(error) } }),
  );
});

process.on('disconnect', end);
process.on('SIGTERM', end);

// Ctrl-C in a terminal reaches the whole process group; the parent decides when the gateway ends.
process.on('SIGINT', () => {});

async function answer(call: ControlCall): Promise<ControlAnswer> {
  if (call.kind === 'start') {
    simulator = await startSimulator(call.options);
    const { port, channelsEndpoint, identity } = simulator;
    return { kind: 'started', port, channelsEndpoint, identity };
  }
  if (simulator === null) throw new Error('the simulator has not been started');
  switch (call.kind) {
    case 'stats':
      return { kind: 'stats', stats: simulator.stats() };
    case 'ledger':
      return { kind: 'ledger', entries: simulator.ledger };
    case 'report':
      return { kind: 'report', report: simulator.report() };
    case 'set-token':
      simulator.setToken(call.token, call.state);
      return { kind: 'done' };
    case 'fire':
      simulator.fire(call.faultId);
      return { kind: 'done' };
    case 'set-load':
      simulator.setLoad(call.load);
      return { kind: 'done' };
    case 'advance-clock':
      simulator.advanceClock(call.byMs);
      return { kind: 'done' };
    case 'close':
      await simulator.close();
      return { kind: 'closed' };
  }
}

/** Finishes the ledger, then ends. */
function end(): void {
  if (simulator === null) process.exit(0);
  simulator.close().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`simulator: ${String(error)}\n`);
      process.exit(1);
    },
  );
}

function respond(response: ControlResponse): void {
  if (!process.connected || process.send === undefined) return;
  process.send(response, undefined, undefined, () => {
    if (response.answer.kind === 'closed') process.disconnect();
  });
}
