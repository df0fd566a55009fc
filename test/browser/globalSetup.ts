import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureWebPages } from '../support/webPages.js';
import { LiveStack } from '../support/liveStack.js';
import { notesVariable, stateVariable } from './support.js';

/** The whole product as its own processes, and the pages as npm start builds them; everything is gone afterwards. */
export default async function setUp(): Promise<() => Promise<void>> {
  ensureWebPages();
  const stack = await LiveStack.start();
  try {
    const { origin, hostname } = new URL(stack.signInLink);
    process.env[notesVariable] = JSON.stringify({
      origin,
      link: stack.signInLink,
      environment: stack.environment,
      signInLinkProgram: stack.programOf('bin/signInLink.ts'),
      pids: { worker: stack.pidOf('worker-0'), temporal: stack.pidOf('temporal') },
    });
    const answer = await fetch(`${stack.baseUrl}/v1/auth/one-time`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token: stack.signInLink.split('/welcome/')[1] }),
    });
    if (answer.status !== 200) throw new Error(`the owner could not sign in: ${answer.status}`);
    const [name = '', value = ''] = (answer.headers.getSetCookie()[0] ?? '').split(';')[0]?.split('=') ?? [];
    const cookie = {
      name,
      value,
      domain: hostname,
      path: '/',
      expires: -1,
      httpOnly: true,
      secure: false,
      sameSite: 'Lax',
    };
    const ownerState = join(stack.dataDir, 'owner.json');
    writeFileSync(ownerState, JSON.stringify({ cookies: [cookie], origins: [] }), { mode: 0o600 });
    process.env[stateVariable] = ownerState;
    return () => stack.stop();
  } catch (error) {
    await stack.stop();
    throw error;
  }
}
