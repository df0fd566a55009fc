import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { createTemporalClient, orAway } from '../../platform/temporalClient.js';

test('a call to a Temporal that takes the connection and says nothing ends at the deadline of the client', async () => {
  const open = new Set<Socket>();
  const silent = createServer((socket) => open.add(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const client = createTemporalClient({ address: `127.0.0.1:${port}`, namespace: 'none' }, 'test', 300);
  try {
    await expect(client.connection.workflowService.getSystemInfo({})).rejects.toThrow(/DEADLINE_EXCEEDED/);
  } finally {
    await client.close();
    for (const socket of open) socket.destroy();
    silent.close();
  }
});

test('what is asked answers, fails or hangs: away is what a screen is told of the latter two', async () => {
  expect(await orAway(10_000, () => Promise.resolve('ok'))).toBe('ok');
  expect(await orAway(10_000, () => Promise.reject(new Error('refused')))).toBe('away');
  expect(await orAway(20, () => new Promise<string>(() => undefined))).toBe('away');
});
