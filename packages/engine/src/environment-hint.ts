/**
 * Tokens of the wrong environment: APNs has no word for them but BadDeviceToken, the same as for garbage. What can be told
 * apart is said here: in the receipt of each such push, and once for an app whose first pushes are nearly all refused so.
 */
import type { Environment, Rejected, Unregistered } from '@carillon/apns';
import { notedOf } from './device-ledger.ts';
import { scopeOf } from './head.ts';
import type { Outcome } from './outcome.ts';
import type { Pipeline } from './pipeline.ts';
import type { Push } from './push.ts';

/** APNs's word for both, and for tokens that are no tokens. */
export const badDeviceToken = 'BadDeviceToken';

/** So many replies tell whether an app is set up right … */
const firstReplies = 20;
/** … when no more than a quarter of them are anything else: a list in decay is not as bad as that. */
const badMin = 15;

/** Counts the first replies that an app gets. */
export class FirstReplies {
  #replies = 0;
  #bad = 0;

  /** All of them are in: nothing is counted any more. */
  get isOver(): boolean {
    return this.#replies >= firstReplies;
  }

  /** True, once: these are tokens of another environment. */
  add(isBadToken: boolean): boolean {
    if (this.isOver) return false;
    this.#replies++;
    if (isBadToken) this.#bad++;
    return this.isOver && this.#bad >= badMin;
  }

  /** Another credential: it is set up anew. */
  restart(): void {
    this.#replies = 0;
    this.#bad = 0;
  }
}

/** Which device tokens an environment takes, for people. */
const origins: Readonly<Record<Environment, string>> = {
  production: 'apps from the App Store and TestFlight',
  sandbox: 'apps that Xcode installed',
};

/** A refused push with words for people, where there are any. */
export function withHint(verdict: Rejected | Unregistered, push: Push, { ledger, sandboxTokens }: Pipeline): Outcome {
  if (verdict.reason !== badDeviceToken || verdict.kind !== 'rejected') return verdict;
  const { app, topic } = push.head;
  for (const twin of app.twins) {
    const scope = scopeOf(twin, topic);
    const isKnown = [sandboxTokens, ledger.dead, ledger.resting].some((page) => notedOf(page, push, scope) !== null);
    if (isKnown) return { ...verdict, message: knownElsewhereMessage(twin.name, twin.environment) };
  }
  return { ...verdict, message: badTokenMessage(app.environment) };
}

/** For the receipt. `environment` is null where nobody says which one the gateway stands for. */
export function badTokenMessage(environment: Environment | null): string {
  if (environment === null)
    return 'the device token is malformed, or of the other environment (sandbox: apps that Xcode installed); send it there';
  const other = otherOf(environment);
  return `the device token is malformed, or of the other environment: ${origins[other]} have tokens for ${other}; if it is one, send it with environment ${other}`;
}

/** For the receipt, when another app of this engine knows the token. */
function knownElsewhereMessage(app: string, environment: Environment | null): string {
  const where = environment === null ? 'another environment' : `the ${environment} environment`;
  return `the device token belongs to ${where}: app ${app} of this engine knows it; send it there`;
}

/** For the event. */
export function wrongEnvironmentMessage(app: string, environment: Environment | null): string {
  const most = `nearly all of the first ${firstReplies} device tokens of app ${app} are refused with ${badDeviceToken}`;
  if (environment === null) return `${most}: they seem to be of another environment than its gateway`;
  const other = otherOf(environment);
  return `${most}: they seem to be of ${other} (${origins[other]}), and the app sends to ${environment}; set its environment to ${other}, or send those tokens by an app that has it`;
}

function otherOf(environment: Environment): Environment {
  return environment === 'production' ? 'sandbox' : 'production';
}
