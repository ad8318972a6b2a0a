import { ApnsIdGenerator, isFault, parseDeviceToken } from '@carillon/apns';
import { BatchBuilder } from '@carillon/payload';
import type { JobObject } from '@carillon/payload';
import { describe, expect, it } from 'vitest';
import { HandClock, headOf, Kept } from '../test/pushes.ts';
import type { App } from './app.ts';
import { settingsOf } from './options.ts';
import { Pipeline } from './pipeline.ts';
import type { Refused } from './receipt.ts';
import { routeBatch } from './route.ts';
import type { Apps } from './route.ts';

const token = '5ca1ab1e'.repeat(8);
const credential = { kind: 'token', key: 'unused here', keyId: 'ABCDE12345', teamId: 'TEAM123456' } as const;

/** A pipeline with apps whose outlets only count how often they are woken. */
function open(
  names: readonly string[],
  limits = {},
): { pipeline: Pipeline; apps: Apps; woken: string[]; route: (jobs: readonly JobObject[], sink?: Kept) => Refused[] } {
  const options = { apps: { news: { topic: 'com.example.app', credential } }, limits };
  const pipeline = new Pipeline(
    settingsOf(options),
    new HandClock(),
    { next: () => 0.5 },
    new ApnsIdGenerator(),
    () => undefined,
  );
  const woken: string[] = [];
  const apps = new Map(names.map((name) => [name, appOf(name, woken)]));
  const route = (jobs: readonly JobObject[], sink = new Kept()): Refused[] => {
    const builder = new BatchBuilder();
    for (const [line, job] of jobs.entries()) builder.addObject(job, line + 1);
    const refused: Refused[] = [];
    pipeline.enter(builder.count);
    routeBatch(builder.take(), sink, apps, pipeline, (_record, one) => {
      refused.push(one);
      pipeline.admission.withdraw();
    });
    return refused;
  };
  return { pipeline, apps, woken, route };
}

function appOf(name: string, woken: string[]): App {
  const { app } = headOf(10, `com.example.${name}`, name);
  app.outlet = { wake: () => woken.push(name) } as unknown as App['outlet']; // all that routing asks of an outlet
  return app;
}

describe('routeBatch', () => {
  it('puts each record in the lane of its app, and wakes each outlet once', () => {
    const { apps, woken, route } = open(['news', 'chat']);
    const refused = route([
      { app: 'news', token, payload: { aps: {} } },
      { app: 'chat', token, payload: { aps: {} } },
      { app: 'news', token, payload: { aps: {} } },
    ]);
    expect(refused).toEqual([]);
    expect([apps.get('news')?.lane.depth, apps.get('chat')?.lane.depth]).toEqual([2, 1]);
    expect(woken.toSorted()).toEqual(['chat', 'news']);
  });

  it('takes a job without an app for the only app there is', () => {
    const { apps, route } = open(['news']);
    expect(route([{ token, payload: { aps: {} } }])).toEqual([]);
    expect(apps.get('news')?.lane.depth).toBe(1);
  });

  it('refuses a record whose app is unknown or missing by naming those there are, and routes the others', () => {
    const { pipeline, apps, route } = open(['news', 'chat']);
    const refused = route([
      { id: 'a', app: 'shop', token, payload: { aps: {} } },
      { id: 'b', token, payload: { aps: {} } },
      { id: 'c', app: 'news', token, payload: { aps: {} } },
    ]);
    expect(refused).toMatchObject([
      {
        id: 'a',
        line: 1,
        token,
        code: 'local.unknown-app',
        message: 'app "shop" is not configured; one of news, chat is right',
      },
      {
        id: 'b',
        line: 2,
        code: 'local.unknown-app',
        message: 'app is missing, and there are several; one of news, chat is right',
      },
    ]);
    expect(apps.get('news')?.lane.depth).toBe(1);
    expect(pipeline.admission).toMatchObject({ jobs: 1, admitted: 1 });
  });

  it('is not fooled by the names of what every object has', () => {
    const { route } = open(['news', 'chat']);
    for (const app of ['__proto__', 'constructor', 'toString']) {
      expect(route([{ app, token, payload: { aps: {} } }])).toMatchObject([{ code: 'local.unknown-app' }]);
    }
  });

  it('refuses a topic that is one too many', () => {
    const { route } = open(['news'], { headsMax: 2 });
    const refused = route(['a', 'b', 'c'].map((topic) => ({ id: topic, topic, token, payload: { aps: {} } })));
    expect(refused).toMatchObject([{ id: 'c', code: 'local.too-many-topics' }]);
  });

  it('lets the bytes of a batch go when its last push settles, also when every record was refused', () => {
    const { pipeline, apps, route } = open(['news']);
    route([
      { token, payload: { aps: {} } },
      { token, payload: { aps: {} } },
    ]);
    expect(pipeline.admission.bytes).toBeGreaterThan(0);
    for (const push of apps.get('news')?.lane.takeAll() ?? []) pipeline.abandon(push, 'shutdown');
    route([{ app: 'shop', token, payload: { aps: {} } }]);
    expect(pipeline.admission).toMatchObject({ jobs: 0, bytes: 0 });
    expect(pipeline.pushes.taken).toBe(0);
  });

  it('settles a push to a device that is known to be gone, without asking APNs', () => {
    const { pipeline, route, woken } = open(['news']);
    const parsed = parseDeviceToken(token);
    if (isFault(parsed)) throw new Error(parsed.message);
    pipeline.ledger.dead.set('gateway.example com.example.news', parsed, 1234);
    const sink = new Kept();
    route([{ token, payload: { aps: {} } }], sink);
    expect(sink.outcomes).toEqual([{ kind: 'unregistered', status: null, reason: 'local.known-dead', since: 1234 }]);
    expect(woken).toEqual([]);
    expect(pipeline.admission.jobs).toBe(0);
  });

  it('asks for a broadcast though a device were gone under the same name', () => {
    const { pipeline, apps, route } = open(['news']);
    const channel = 'dHN0LXNyY2gtY2hhbm5lbA==';
    pipeline.ledger.dead.set('gateway.example com.example.news', channel, 1234);
    pipeline.ledger.dead.set('gateway.example channels of com.example.news', channel, 1234);
    expect(route([{ channel, payload: { aps: {} } }])).toEqual([]);
    const [push] = apps.get('news')?.lane.takeAll() ?? [];
    expect(push.head).toMatchObject({ topic: 'com.example.news', isBroadcast: true });
  });

  it('names the channel of a broadcast that it refuses', () => {
    const { route } = open(['news']);
    const channel = 'dHN0LXNyY2gtY2hhbm5lbA==';
    expect(route([{ app: 'shop', channel, payload: { aps: {} } }])).toMatchObject([{ token: null, channel }]);
  });

  it('abandons what comes for a caller that gave up, or after the engine has closed', () => {
    const { pipeline, route, woken } = open(['news']);
    const sink = new Kept();
    sink.isCancelled = true;
    route([{ token, payload: { aps: {} } }], sink);
    pipeline.isClosing = true;
    const late = new Kept();
    route([{ token, payload: { aps: {} } }], late);
    expect([...sink.outcomes, ...late.outcomes]).toMatchObject([{ because: 'cancelled' }, { because: 'shutdown' }]);
    expect(woken).toEqual([]);
  });

  it('reckons a deadline from the wall clock, and gives those without one their hour', () => {
    const { pipeline, apps, route } = open(['news']);
    const epochMs = pipeline.clock.epochMs();
    route([
      { token, deadline: new Date(epochMs + 5000), payload: { aps: {} } },
      { token, payload: { aps: {} } },
    ]);
    const deadlines = [...(apps.get('news')?.lane.takeAll() ?? [])].map(
      ({ deadlineAt }) => deadlineAt - pipeline.clock.now(),
    );
    expect(deadlines).toEqual([5000, 3_600_000]);
  });
});
