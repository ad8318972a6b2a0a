// What people do to an engine while it runs, and what happens to its machine: a turn of the plan, taken on a stage that
// knows how. The simulated world and the one of real sockets are such stages.
import type { Engine } from '../../packages/engine/src/index.ts';
import type { CredentialOptions } from '../../packages/engine/src/index.ts';
import type { ScriptedToken } from '../../packages/simulator/src/index.ts';
import type { Caller } from './calls.ts';
import { keyIdOf } from './credentials.ts';
import type { CredentialPlan, Plan, Turn } from './plan.ts';

export interface Stage {
  readonly plan: Plan;
  readonly engine: Engine;
  readonly callers: readonly Caller[];
  after(delayMs: number, fire: () => void): void;
  credential(plan: CredentialPlan): CredentialOptions;
  /** At every gateway. */
  setToken(token: string, state: ScriptedToken): void;
  revokeKey(keyId: string): void;
  /** The engine is told to end. */
  end(how: 'drain' | 'close'): void;
  stepClock(byMs: number): void;
  suspend(forMs: number): void;
  stall(forMs: number): void;
}

export function takeTurn(turn: Turn, stage: Stage): void {
  const { engine, plan } = stage;
  switch (turn.kind) {
    case 'pause':
      engine.pause(turn.app);
      stage.after(turn.forMs, () => engine.resume(turn.app));
      return;
    case 'replace-credential':
      engine.replaceCredential(turn.app, stage.credential(turn.credential));
      return;
    case 'registered': {
      const { token } = plan.devices[turn.device];
      stage.setToken(token, { kind: 'ok' });
      for (const { name } of plan.apps) engine.registered(name, token);
      return;
    }
    case 'cancel':
      callerOf(turn.call, stage)?.cancel();
      return;
    case 'stop':
      callerOf(turn.call, stage)?.stop();
      return;
    case 'drain':
    case 'close':
      stage.end(turn.kind);
      return;
    case 'step-clock':
      stage.stepClock(turn.byMs);
      return;
    case 'suspend':
      stage.suspend(turn.forMs);
      return;
    case 'stall':
      stage.stall(turn.forMs);
      return;
    case 'revoke-key':
      stage.revokeKey(keyIdOf(turn.team, turn.key));
      return;
    case 'token-state':
      stage.setToken(plan.devices[turn.device].token, turn.state);
  }
}

function callerOf(name: string, { callers }: Stage): Caller | undefined {
  return callers.find(({ record }) => record.plan.name === name);
}
