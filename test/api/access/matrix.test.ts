import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Route } from '../../../api/route.js';
import { routes } from '../../../api/routes.js';
import {
  isPortalPermission,
  type Permission,
  type PresetId,
  presetIds,
  presets,
} from '../../../domain/access/permission.js';
import { newId } from '../../../platform/newId.js';
import { startTestApi, type TestAnswer, type TestApi, type TestWorkspace } from '../support.js';

// The whole matrix over HTTP, made from the list of routes and the table of presets: every route × every preset, and a key that holds nothing
// but the one right a route asks for (ROL-01, ROL-02, ROL-08). The third row, another workspace's object, is in allRoutes.test.ts.

let api: TestApi;
let shop: TestWorkspace;

beforeAll(async () => {
  api = await startTestApi();
  shop = await api.makeWorkspace();
});
afterAll(() => api.close());

const atOnce = 8;
/** Below what a key may ask in a minute. */
const perKey = 500;
const nameOf = (route: Route): string => `${route.method} ${route.path}`;
/** Ids that never were: what is past the right is 404, 422 or an empty list, and changes nothing. */
const pathOf = (route: Route): string =>
  route.path.replaceAll(/:([A-Za-z]+)/g, (_all, name: string) =>
    name === 'section' ? 'general' : name === 'roleId' ? newId('role') : name === 'key' ? 'x' : newId('referral'),
  );

async function call(key: string, route: Route): Promise<TestAnswer> {
  // A field that no body has: nothing is written whatever the caller may do.
  const options = route.method === 'GET' ? {} : { method: route.method, body: { nothingOfOurs: true } };
  return api.as(key, pathOf(route), options);
}

/** Is an answer the refusal of a right? */
function isRefused({ status, body }: TestAnswer): boolean {
  return status === 401 || (status === 403 && ['permission_missing', 'wrong_audience'].includes(String(body['code'])));
}

/** May a key of staff with these rights call it? */
function mayCall(route: Route, held: readonly Permission[]): boolean {
  const { permission } = route;
  if (permission === 'public' || permission === 'any' || permission === 'staff') return true;
  if (permission === 'session') return false;
  return !isPortalPermission(permission) && held.includes(permission);
}

async function faultsOf(makeKey: () => Promise<string>, held: readonly Permission[]): Promise<readonly string[]> {
  const faults: string[] = [];
  const asked = routes.filter((route) => route.permission !== 'public');
  for (let from = 0; from < asked.length; from += perKey) {
    const key = await makeKey();
    const some = asked.slice(from, from + perKey);
    for (let i = 0; i < some.length; i += atOnce) {
      const batch = some.slice(i, i + atOnce);
      const answers = await Promise.all(batch.map((route) => call(key, route)));
      answers.forEach((answer, index) => {
        const route = batch[index];
        if (route === undefined) return;
        const expected = mayCall(route, held);
        if (isRefused(answer) === expected || answer.status >= 500 !== (answer.status === 503))
          faults.push(
            `${nameOf(route)}: ${answer.status} ${String(answer.body?.['code'])}, expected ${expected ? 'in' : 'refused'}`,
          );
        // Who is refused learns which right is missing.
        const missing = answer.body?.['missingPermission'];
        if (!expected && answer.body?.['code'] === 'permission_missing' && missing !== route.permission)
          faults.push(`${nameOf(route)} names ${String(missing)}`);
      });
    }
  }
  return faults;
}

describe.each(presetIds)('the preset %s', (preset: PresetId) => {
  test('is let into exactly the routes of its rights', async () => {
    const makeKey = async (): Promise<string> => (await api.makePerson(shop, [preset])).key;

    expect(await faultsOf(makeKey, presets[preset].permissions)).toEqual([]);
  }, 120_000);
});

test('nothing ticked opens nothing', async () => {
  const makeKey = async (): Promise<string> => (await api.makePerson(shop, ['owner'], { permissions: [] })).key;

  expect(await faultsOf(makeKey, [])).toEqual([]);
}, 120_000);

test('each route opens to the one right it names, and to no other', async () => {
  const faults: string[] = [];
  const rights = [...new Set(routes.map((route) => route.permission))].filter(
    (permission): permission is Permission =>
      !['public', 'any', 'session', 'staff', 'instance.admin'].includes(permission) &&
      !isPortalPermission(permission as Permission),
  );
  for (const right of rights) {
    const { key } = await api.makePerson(shop, ['owner'], { permissions: [right] });
    for (const route of routes.filter((one) => one.permission === right)) {
      const answer = await call(key, route);
      if (isRefused(answer))
        faults.push(`${nameOf(route)} with ${right}: ${answer.status} ${answer.text.slice(0, 100)}`);
    }
  }
  console.log(`${routes.length} routes, ${presetIds.length} presets, ${rights.length} rights`);

  expect(faults).toEqual([]);
}, 120_000);
