import { describe, expect, it } from 'vitest';
import { HandClock } from '../test/pushes.ts';
import { SignerTokens } from './signer.ts';
import type { TokenSigner } from './signer.ts';

type Answer = Awaited<ReturnType<TokenSigner>>;

/** A signer whose answers the test gives, one a question. */
class Asked {
  readonly clock = new HandClock();
  readonly signals: AbortSignal[] = [];
  readonly failures: string[] = [];
  tokensTold = 0;
  readonly #answers: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  readonly tokens = new SignerTokens(
    (signal) => {
      this.signals.push(signal);
      return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }));
    },
    'ABCDE12345',
    this.clock,
    { onToken: () => this.tokensTold++, onFailure: (message) => this.failures.push(message) },
  );

  /** As a connection that wants to send does. */
  look(): string | null {
    return this.tokens.tokenAt(this.clock.epochMs())?.token ?? null;
  }

  async answer(question: number, token: string, issuedAtMs = this.clock.epochMs()): Promise<void> {
    this.#answers[question]?.resolve({ token, issuedAtMs });
    await new Promise((resolve) => setImmediate(resolve));
  }

  async fail(question: number, message: string): Promise<void> {
    this.#answers[question]?.reject(new Error(message));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('SignerTokens', () => {
  it('asks once, and says when the token is there', async () => {
    const asked = new Asked();
    expect([asked.look(), asked.look()]).toEqual([null, null]);
    expect([asked.signals.length, asked.tokens.isEmpty, asked.tokens.isAwaited]).toEqual([1, true, true]);
    await asked.answer(0, 'a.b.c');
    expect([asked.look(), asked.tokensTold, asked.tokens.isEmpty]).toEqual(['a.b.c', 1, false]);
    asked.clock.advance(20_000);
    expect([asked.look(), asked.failures, asked.signals.length]).toEqual(['a.b.c', [], 1]);
    expect(asked.signals[0]?.aborted).toBe(false);
  });

  // It was waited for without end, and the work was given up as unreachable.
  it('gives an answer that does not come up after 10 s, says so once, and asks again 10 s later', async () => {
    const asked = new Asked();
    asked.look();
    asked.clock.advance(9999);
    expect([asked.failures, asked.tokens.isAwaited]).toEqual([[], true]);
    asked.clock.advance(1);
    expect(asked.failures).toEqual(['it did not answer within 10 s']);
    expect([asked.tokens.isAwaited, asked.signals[0]?.aborted]).toEqual([false, true]);
    await asked.fail(0, 'aborted');
    asked.clock.advance(9999);
    expect([asked.look(), asked.signals.length]).toEqual([null, 1]);
    asked.clock.advance(1);
    expect([asked.look(), asked.signals.length, asked.failures.length]).toEqual([null, 2, 1]);
  });

  it('takes an answer that comes late, unless a newer one has come before', async () => {
    const asked = new Asked();
    asked.look();
    asked.clock.advance(20_000);
    asked.look();
    await asked.answer(0, 'late.but.there', asked.clock.epochMs() - 15_000);
    expect([asked.look(), asked.tokensTold]).toEqual(['late.but.there', 1]);
    await asked.answer(1, 'in.good.time');
    expect([asked.look(), asked.tokensTold]).toEqual(['in.good.time', 2]);

    const other = new Asked();
    other.look();
    other.clock.advance(20_000);
    other.look();
    await other.answer(1, 'in.good.time');
    await other.answer(0, 'older.and.late', other.clock.epochMs() - 20_000);
    expect(other.look()).toBe('in.good.time');
  });

  it('keeps the token it has while the signer fails, and drops it before APNs would refuse it', async () => {
    const asked = new Asked();
    asked.look();
    await asked.answer(0, 'a.b.c');
    asked.clock.advance(30 * 60_000);
    expect(asked.look()).toBe('a.b.c');
    await asked.fail(1, 'no route to the KMS');
    expect([asked.look(), asked.failures]).toEqual(['a.b.c', ['no route to the KMS']]);
    asked.clock.advance(25 * 60_000);
    expect(asked.look()).toBe('a.b.c');
    asked.clock.advance(1);
    expect([asked.look(), asked.tokens.isEmpty]).toEqual([null, true]);
  });

  // A connection that began after a long rest took a token of 52 minutes, and had to change it three minutes later.
  it('lets no connection begin with a token that cannot be kept for 20 minutes, while a newer one is on its way', async () => {
    const asked = new Asked();
    asked.look();
    await asked.answer(0, 'a.b.c');
    asked.clock.advance(36 * 60_000);
    expect([asked.look(), asked.tokens.isEmpty]).toEqual([null, false]);
    await asked.fail(1, 'no route to the KMS');
    expect(asked.look()).toBe('a.b.c');
    asked.clock.advance(10_000);
    asked.look();
    await asked.answer(2, 'd.e.f');
    expect(asked.look()).toBe('d.e.f');
  });

  it('takes what is no JWT for a failure', async () => {
    const asked = new Asked();
    asked.look();
    await asked.answer(0, 'nonsense\r\n');
    expect([asked.look(), asked.failures]).toEqual([null, ['the signer returned something that is no JWT']]);
  });
});
