import { describe, expect, it } from 'vitest';
import { broadcast, endLiveActivity, InlinePreparer, type PreparedBatch, WorkerPreparer } from '../src/index.ts';
import { accept, acceptObject, channel, channelLine, jobLine, prepare, readRecords, refuse } from './batches.ts';

describe('a broadcast', () => {
  it('is a record with the channel where others have their token', () => {
    const line = channelLine({ id: 'goal-1', app: 'sports', topic: 'com.example.sports', priority: 5, expiration: 60 });
    expect(accept(line)).toMatchObject({
      token: channel,
      id: 'goal-1',
      app: 'sports',
      topic: 'com.example.sports',
      pushType: 'liveactivity',
      priority: 5,
      expiration: '60',
      payload: '{"aps":{"event":"update"}}',
      isBroadcast: true,
    });
  });

  it('is of push type liveactivity and expires at once when it does not say', () => {
    expect(accept(channelLine({}))).toMatchObject({ pushType: 'liveactivity', priority: 10, expiration: '0' });
    const batch = new InlinePreparer().prepare(Buffer.from(channelLine({})), 1, { defaultPushType: 'voip' });
    expect(readRecords(batch)[0].pushType).toBe('liveactivity');
  });

  it('may be of a push type that nobody knows yet', () => {
    expect(accept(channelLine({ pushType: 'holograms' })).pushType).toBe('holograms');
  });

  it('updates or ends an activity, and cannot start one', () => {
    const start = {
      aps: { event: 'start', timestamp: 1, 'content-state': {}, 'attributes-type': 'Game', attributes: {} },
    };
    expect(refuse(channelLine({ payload: start }))).toMatchObject({ code: 'local.broadcast-start', channel });
  });

  it('is shortened to its own limit when it asks for that', () => {
    const payload = {
      aps: {
        event: 'update',
        timestamp: 1,
        'content-state': {},
        alert: { title: 'Goal', body: 'x'.repeat(6000) },
      },
    };
    expect(refuse(channelLine({ payload })).code).toBe('local.payload-too-large');
    const record = accept(channelLine({ payload, truncate: true }));
    expect(record.payload.length).toBeGreaterThan(5000);
    expect(record.payload.length).toBeLessThanOrEqual(5120);
  });

  it('comes as an object as well, plain or not, and as what the model makes', () => {
    const ofLine = accept(channelLine({ id: 'a' }));
    const payload = { aps: { event: 'update' } };
    for (const job of [
      { channel, id: 'a', payload },
      { channel, id: 'a', payload: JSON.stringify(payload) },
    ]) {
      const { apnsId, lineBytes, ...record } = acceptObject(job);
      expect(record).toEqual({ ...ofLine, apnsId: undefined, lineBytes: undefined, deadline: NaN });
      expect([apnsId.length, lineBytes > 0]).toEqual([36, true]);
    }
    const ended = acceptObject(broadcast(channel, endLiveActivity({ timestamp: 1, contentState: { score: 3 } })));
    expect(ended).toMatchObject({ token: channel, isBroadcast: true, pushType: 'liveactivity' });
  });

  it('does not share its head with a push of the same type', () => {
    const batch = prepare([jobLine({ pushType: 'liveactivity' }), channelLine({}), channelLine({})].join('\n'));
    expect(readRecords(batch).map(({ isBroadcast }) => isBroadcast)).toEqual([false, true, true]);
    expect(batch.heads).toHaveLength(2);
  });

  it('is the same when a worker thread prepared it', async () => {
    const lines = Buffer.from(
      `${channelLine({ id: 'a' })}\n${jobLine({ id: 'b' })}\n${channelLine({ pushType: 'voip' })}\n`,
    );
    await using workers = new WorkerPreparer({ workersMax: 1 });
    const seen = ({ rejections, ...batch }: PreparedBatch): unknown => [
      readRecords({ ...batch, rejections }).map((record) => ({ ...record, apnsId: null })),
      rejections,
    ];
    expect(seen(await workers.prepare(lines, 1, {}))).toEqual(seen(new InlinePreparer().prepare(lines, 1, {})));
  });
});
