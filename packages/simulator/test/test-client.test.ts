// The manual of TestClient.
import { describe, expect, it } from 'vitest';

import { startSimulator } from '../src/index.ts';
import { TestClient } from './test-client.ts';

describe('TestClient', () => {
  it('greets, pushes, and hands over every frame that comes back', async () => {
    await using simulator = await startSimulator();
    const client = await TestClient.connect(simulator);
    expect((await client.until('settings')).values[3]).toBe(1);

    const stream = client.push({ 'apns-id': '8f14e45f-ceea-467a-9575-6f0c1b2d3e4f' });
    expect(await client.answer(stream)).toEqual({
      status: '200',
      fields: { ':status': '200', 'apns-id': '8f14e45f-ceea-467a-9575-6f0c1b2d3e4f' },
      body: '',
    });

    const refused = client.push({ 'apns-topic': null });
    expect((await client.answer(refused)).body).toBe('{"reason":"MissingTopic"}');
    client.close();
  });

  it('says what it saw when the frame it waits for does not come', async () => {
    await using simulator = await startSimulator();
    const client = await TestClient.connect(simulator);
    client.write(Buffer.alloc(9, 0xff));
    await expect(client.until('push-promise')).rejects.toThrow(/closed; saw[^]*goaway/);
  });
});
