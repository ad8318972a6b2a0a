import { describe, expect, it } from 'vitest';
import { endpoints } from './environment.ts';
import { isFault } from './fault.ts';
import { headerPlan, type HeaderPlanField } from './header-plan.ts';
import { ProviderToken } from './provider-token.ts';
import { parsePushType, pushTypes } from './push-type.ts';
import { parseTopic, type Topic } from './topic.ts';
import { TopicBudget, topicOctetsMax } from './topic-budget.ts';

const topic = parseTopic('com.example.app') as Topic;
const jwt = `${'h'.repeat(46)}.${'c'.repeat(50)}.${'s'.repeat(86)}`; // 184 characters, as every real one
const providerToken = new ProviderToken(jwt, 'ABCDE12345', 0);

function plan(more: Partial<Parameters<typeof headerPlan>[0]> = {}): readonly HeaderPlanField[] {
  return headerPlan({
    authority: endpoints.production.authority,
    providerToken,
    topic,
    pushType: pushTypes.alert,
    priority: 10,
    isTopicIndexed: true,
    ...more,
  });
}

/** RFC 7541 §4.1. */
function entryOctets(name: string, value: string): number {
  return name.length + value.length + 32;
}

describe('headerPlan', () => {
  it('plans the headers of a push, pseudo fields first', () => {
    expect(plan()).toEqual([
      { name: ':method', value: 'POST', indexing: 'incremental' },
      { name: ':scheme', value: 'https', indexing: 'incremental' },
      { name: ':authority', value: 'api.push.apple.com', indexing: 'incremental' },
      { name: ':path', slot: 0, prefix: '/3/device/', indexing: 'without' },
      { name: 'authorization', value: `bearer ${jwt}`, indexing: 'incremental' },
      { name: 'apns-topic', value: 'com.example.app', indexing: 'incremental' },
      { name: 'apns-push-type', value: 'alert', indexing: 'incremental' },
      { name: 'apns-priority', value: '10', indexing: 'incremental' },
      { name: 'apns-id', slot: 1, indexing: 'name' },
      { name: 'apns-expiration', slot: 2, indexing: 'name' },
      { name: 'apns-collapse-id', slot: 3, indexing: 'name' },
    ]);
  });

  it('sends no authorization on a connection with a certificate', () => {
    expect(plan({ providerToken: null }).map((field) => field.name)).not.toContain('authorization');
  });

  it('keeps topics beyond the budget, and unknown push types, out of the table', () => {
    const unknown = parsePushType('holograms');
    if (isFault(unknown)) throw new Error(unknown.message);
    const fields = plan({ isTopicIndexed: false, pushType: unknown });
    expect(fields.filter((field) => field.indexing === 'without').map((field) => field.name)).toEqual([
      ':path',
      'apns-topic',
      'apns-push-type',
    ]);
  });

  it('fits 4096 octets with every push type, every priority, all topics, all names, broadcasts and two provider tokens', () => {
    let octets = topicOctetsMax;
    for (const authority of [endpoints.sandbox.authority]) octets += entryOctets(':authority', authority);
    octets += 2 * entryOctets('authorization', `bearer ${jwt}`);
    for (const name of Object.keys(pushTypes)) octets += entryOctets('apns-push-type', name);
    for (const priority of ['10', '5', '1']) octets += entryOctets('apns-priority', priority);
    octets += entryOctets('apns-id', '8f14e45f-ceea-467a-9575-6f0c1b2d3e4f');
    octets += entryOctets('apns-expiration', '4294967295');
    octets += entryOctets('apns-collapse-id', 'c'.repeat(64));
    // Broadcasts travel on the same connections.
    octets += entryOctets('apns-channel-id', 'A'.repeat(64));
    octets += entryOctets('apns-request-id', '8f14e45f-ceea-467a-9575-6f0c1b2d3e4f');
    expect(octets).toBeLessThanOrEqual(4096);
  });
});

describe('TopicBudget', () => {
  it('admits topics while their entries fit, and keeps to its word afterwards', () => {
    const budget = new TopicBudget();
    const topics = Array.from({ length: 60 }, (_, i) => `com.example.app${String(i).padStart(2, '0')}`); // 59 octets each
    const admitted = topics.filter((name) => budget.admit(name));
    expect(admitted).toEqual(topics.slice(0, Math.floor(topicOctetsMax / 59)));
    expect(budget.octets).toBe(34 * 59);
    expect(topics.filter((name) => budget.admit(name))).toEqual(admitted);
    expect(budget.octets).toBe(34 * 59);
    expect(budget.admit('a')).toBe(false); // 43 octets, 42 are left
  });

  it('may be given less', () => {
    const budget = new TopicBudget(43);
    expect(budget.admit('ab')).toBe(false);
    expect(budget.admit('a')).toBe(true);
    expect(budget.admit('b')).toBe(false);
  });
});
