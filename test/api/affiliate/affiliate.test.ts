import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inWorkspace, readWorkspace } from '../../../db/transaction.js';
import { newId } from '../../../platform/newId.js';
import { dataOf, makeAffiliate, makeProgram, saveSettings, withoutRequest } from '../program/support.js';
import { startTestApi, type TestApi, type TestWorkspace } from '../support.js';

let api: TestApi;
let ws: TestWorkspace;
let programId: string;

beforeAll(async () => {
  api = await startTestApi();
  ws = await api.makeWorkspace();
  programId = await makeProgram(api, ws);
});
afterAll(() => api.close());

const rows = <Row>(table: string, where: Readonly<Record<string, unknown>>): Promise<Row[]> =>
  readWorkspace(api.db, ws.id, async (tx) => tx(table).where(where).orderBy('created_at').select('*')) as Promise<
    Row[]
  >;

const history = (objectId: string) =>
  readWorkspace(api.db, ws.id, async (tx) =>
    tx('audit_entries')
      .where({ object_id: objectId })
      .orderBy('seq')
      .select<
        { seq: number; event: string; from_status: string; to_status: string; cause_type: string; changes: object }[]
      >('*'),
  );

describe('creating', () => {
  test('one person is one contact; an affiliate has an address to itself', async () => {
    const email = 'Multi.Role@Blog.example';
    const first = await api.as(ws.key, '/v1/affiliates', { body: { name: 'Jo', email } });
    expect(first.status, first.text).toBe(201);
    expect(first.body['email']).toBe('multi.role@blog.example');

    const second = await api.as(ws.key, '/v1/affiliates', { body: { name: 'Jo', email: 'multi.role@blog.example' } });
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject({ code: 'already_exists', field: 'email', existingId: first.body['id'] });

    const contacts = await rows<{ id: string }>('contacts', { email_key: 'multi.role@blog.example' });
    expect(contacts).toHaveLength(1);
    expect(first.body['contactId']).toBe(contacts[0]?.id);
  });

  test('a contact becomes an affiliate without a second contact', async () => {
    const contactId = newId('contact');
    await inWorkspace(api.db, ws.id, async (tx) => {
      await tx('contacts').insert({
        id: contactId,
        name: 'Kim',
        email: 'kim@buyer.example',
        email_key: 'kim@buyer.example',
      });
    });
    const made = await api.as(ws.key, '/v1/affiliates', { body: { contactId, kind: 'customer' } });
    expect(made.status, made.text).toBe(201);
    expect(made.body).toMatchObject({ name: 'Kim', email: 'kim@buyer.example', contactId, kind: 'customer' });
  });

  test('twenty requests for one address make one affiliate', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        api.as(ws.key, '/v1/affiliates', {
          body: { name: 'Race', email: 'race@blog.example', programIds: [programId] },
        }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
    expect(await rows('affiliates', { email: 'race@blog.example' })).toHaveLength(1);
    expect(await rows('contacts', { email_key: 'race@blog.example' })).toHaveLength(1);
  });

  test('the same Idempotency-Key answers the same bytes; another body under it is refused', async () => {
    const headers = { 'Idempotency-Key': 'make-ida' };
    const body = { name: 'Ida', email: 'ida@blog.example', programIds: [programId] };
    const first = await api.as(ws.key, '/v1/affiliates', { body, headers });
    const again = await api.as(ws.key, '/v1/affiliates', { body, headers });
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const other = await api.as(ws.key, '/v1/affiliates', { body: { ...body, name: 'Ida 2' }, headers });
    expect([other.status, other.body['code']]).toEqual([422, 'idempotency_mismatch']);
  });

  test('where the settings say approved, a new affiliate is live at once and told so', async () => {
    const other = await api.makeWorkspace();
    await saveSettings(api, other, { affiliates: { defaultStatus: 'approved' } });
    const program = await makeProgram(api, other);
    const made = await api.as(other.key, '/v1/affiliates', {
      body: { name: 'Lina', email: 'li@blog.example', programIds: [program] },
    });
    expect(made.body).toMatchObject({ status: 'approved', active: true, enrolments: [{ status: 'active' }] });
    const mails = await readWorkspace(api.db, other.id, async (tx) =>
      tx('emails').select<{ kind: string; links: string[] }[]>('kind', 'links'),
    );
    expect(mails).toMatchObject([{ kind: 'affiliate_approved' }]);
    expect(mails[0]?.links[0]).toMatch(/^http:\/\/localhost:3000\/r\/lina-/);
    // The way into the portal works once, and leads nowhere near the console.
    const token = /\/welcome\/([\w-]+)$/.exec(mails[0]?.links[1] ?? '')?.[1];
    const signedIn = await api.as(null, '/v1/auth/accept-invite', { body: { token } });
    expect(signedIn.status, signedIn.text).toBe(200);
    expect(signedIn.body['audience']).toBe('affiliate');
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
    const staffOnly = await api.as(null, `/v1/affiliates/${made.body['id']}`, { headers: { Cookie: cookie } });
    expect([staffOnly.status, staffOnly.body['code']]).toEqual([403, 'wrong_audience']);
    expect((await api.as(null, '/v1/auth/accept-invite', { body: { token } })).status).toBe(410);
    // Suspended or not, the login of a terminated affiliate is dead at once.
    await api.as(other.key, `/v1/affiliates/${made.body['id']}/terminate`, { body: { reason: 'Broke the terms' } });
    expect((await api.as(null, '/v1/me', { headers: { Cookie: cookie } })).status).toBe(401);
  });

  test.each([
    ['no name', { email: 'x@blog.example' }, '#/name', 'required'],
    ['a blank name', { name: ' \u200b ', email: 'x@blog.example' }, '#/name', 'too_short'],
    ['a direction override', { name: 'Ada\u202e', email: 'x@blog.example' }, '#/name', 'bad_format'],
    ['a header in the address', { name: 'A', email: 'x@blog.example\nBcc: y@z.example' }, '#/email', 'bad_format'],
    ['a status', { name: 'A', email: 'x@blog.example', status: 'approved' }, '#/status', 'unknown_field'],
    [
      'an unknown program',
      { name: 'A', email: 'x@blog.example', programIds: [newId('program')] },
      '#/programIds/0',
      'not_found',
    ],
    [
      'an unknown recruiter',
      { name: 'A', email: 'x@blog.example', recruiterId: newId('affiliate') },
      '#/recruiterId',
      'not_found',
    ],
    [
      'an id of another kind',
      { name: 'A', email: 'x@blog.example', recruiterId: newId('program') },
      '#/recruiterId',
      'bad_format',
    ],
    ['no such zone', { name: 'A', email: 'x@blog.example', timeZone: 'Europe/Atlantis' }, '#/timeZone', 'not_in_list'],
    [
      'a key that is not there',
      { name: 'A', email: 'x@blog.example', apiKeyId: newId('apiKey') },
      '#/apiKeyId',
      'not_found',
    ],
  ])('%s is a field error and changes nothing', async (_rule, body, pointer, code) => {
    const answer = await api.as(ws.key, '/v1/affiliates', { body });
    expect(answer.status, answer.text).toBe(422);
    expect(answer.body['errors']).toMatchObject([{ pointer, code }]);
    expect(await rows('affiliates', { email: 'x@blog.example' })).toHaveLength(0);
    expect(await rows('contacts', { email_key: 'x@blog.example' })).toHaveLength(0);
  });

  test('names of all scripts come back as they were sent', async () => {
    for (const [index, name] of ["O'Brien", 'Null', 'Ng', '李', '👩‍👩‍👧‍👦', '<script>alert(1)</script>'].entries()) {
      const made = await api.as(ws.key, '/v1/affiliates', { body: { name, email: `name${index}@blog.example` } });
      expect([made.status, made.body['name']]).toEqual([201, name.normalize('NFC')]);
    }
  });
});

describe('the life of an affiliate', () => {
  test('decline takes link and login away, reopening enrols anew with the first join date', async () => {
    const id = await makeAffiliate(api, ws, [programId], {}, { approve: false });
    const before = await api.as(ws.key, `/v1/affiliates/${id}`);
    const silent = await api.as(ws.key, `/v1/affiliates/${id}/decline`, { body: {} });
    expect(silent.status).toBe(422);

    const declined = await api.as(ws.key, `/v1/affiliates/${id}/decline`, {
      body: { reason: 'Spam site', publicReason: 'Your site does not fit.' },
    });
    expect(declined.body).toMatchObject({
      status: 'declined',
      active: false,
      enrolments: [{ status: 'ended' }],
      allowedActions: ['reopen'],
      undo: { path: `/v1/affiliates/${id}/reopen` },
    });
    const [link] = await rows<{ status: string }>('links', { affiliate_id: id });
    expect(link?.status).toBe('disabled');
    const mails = await rows<{ kind: string; body: string }>('emails', { recipient: before.body['email'] });
    expect(mails.map(({ kind }) => kind)).toEqual(['affiliate_declined']);
    expect(mails[0]?.body).toContain('Your site does not fit.');
    expect(mails[0]?.body).not.toContain('Spam site');

    const reopened = await api.as(ws.key, `/v1/affiliates/${id}/reopen`, { body: {} });
    expect(reopened.body).toMatchObject({
      status: 'pending',
      enrolments: [{ status: 'ended' }, { status: 'pending' }],
    });
    expect(reopened.body['enrolments'][1]?.['joinedAt']).toBe(before.body['enrolments'][0]?.['joinedAt']);
    expect(reopened.body['enrolments'][1]?.['linkId']).toBe(before.body['enrolments'][0]?.['linkId']);
    const approved = await api.as(ws.key, `/v1/affiliates/${id}/approve`, { body: {} });
    expect(approved.body['active']).toBe(true);

    const entries = await history(id);
    expect(entries.map(({ event, from_status, to_status }) => [event, from_status, to_status])).toEqual([
      ['created', null, 'pending'],
      ['declined', 'pending', 'declined'],
      ['reopened', 'declined', 'pending'],
      ['approved', 'pending', 'approved'],
    ]);
    expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(entries.slice(1).every(({ cause_type }) => cause_type === 'decision')).toBe(true);
    expect(JSON.stringify(entries)).not.toContain('@blog.example');
  });

  test('suspension closes the credit gate and touches no enrolment; coming back wakes each waiting referral once', async () => {
    const id = await makeAffiliate(api, ws, [programId]);
    const referralIds = [newId('referral'), newId('referral')];
    await inWorkspace(api.db, ws.id, async (tx) => {
      await tx('referrals').insert([
        { id: referralIds[0], mode: 'live', program_id: programId, affiliate_id: id, status: 'pending', stage: 'lead' },
        {
          id: referralIds[1],
          mode: 'live',
          program_id: programId,
          affiliate_id: id,
          status: 'expired',
          stage: 'click',
        },
      ]);
    });
    const linkPath = `/v1/links?affiliateId=${id}`;
    const suspended = await api.as(ws.key, `/v1/affiliates/${id}/suspend`, { body: { reasonCode: 'fraud' } });
    expect(suspended.body).toMatchObject({ status: 'suspended', active: false, enrolments: [{ status: 'active' }] });
    const closed = await api.as(ws.key, linkPath);
    expect(closed.body['data'][0]).toMatchObject({
      status: 'active',
      credits: false,
      creditCode: 'affiliate_not_active',
    });
    expect(await rows('outbox', { topic: 'signal' })).toHaveLength(0);

    const twice = await api.as(ws.key, `/v1/affiliates/${id}/suspend`, { body: { reasonCode: 'fraud' } });
    expect([twice.status, twice.body['code']]).toEqual([409, 'already_decided']);
    const odd = await api.as(ws.key, `/v1/affiliates/${id}/reopen`, { body: {} });
    expect(odd.status).toBe(409);
    expect(odd.body).toMatchObject({
      code: 'transition_not_allowed',
      currentStatus: 'suspended',
      allowedActions: ['reactivate', 'terminate'],
    });

    await api.as(ws.key, `/v1/affiliates/${id}/reactivate`, { body: {} });
    expect((await api.as(ws.key, linkPath)).body['data'][0]).toMatchObject({ credits: true });
    const signals = await rows<{ payload: { workflowId: string; signal: string } }>('outbox', { topic: 'signal' });
    expect(signals.map(({ payload }) => [payload.workflowId, payload.signal])).toEqual([
      [`referral/${ws.id}/${referralIds[0]}`, 'nudged'],
    ]);
  });

  test('termination is final: enrolments end, links go to the fallback page, keys and logins die', async () => {
    const id = await makeAffiliate(api, ws, [programId]);
    const { key } = await api.makePerson(ws, ['developer'], { permissions: ['lead.write'], affiliateId: id });
    const ended = await api.as(ws.key, `/v1/affiliates/${id}/terminate`, { body: { reasonCode: 'fraud' } });
    expect(ended.status, ended.text).toBe(200);
    expect(ended.body).toMatchObject({
      status: 'terminated',
      approvedMoney: 'forfeit',
      enrolments: [{ status: 'ended' }],
      allowedActions: [],
    });
    expect((await rows<{ status: string }>('links', { affiliate_id: id })).map(({ status }) => status)).toEqual([
      'disabled',
    ]);
    expect((await rows<{ status: string }>('users', { affiliate_id: id })).map(({ status }) => status)).toEqual([
      'disabled',
    ]);
    expect((await api.as(key, '/v1/affiliates')).body['code']).toBe('api_user_revoked');
    expect((await api.as(ws.key, `/v1/affiliates/${id}`, { method: 'PATCH', body: { name: 'X' } })).status).toBe(409);
    const late = await api.as(ws.key, `/v1/affiliates/${id}/enrolments`, { body: { programId } });
    expect([late.status, late.body['code']]).toEqual([409, 'transition_not_allowed']);
    // The address is free again; a fresh record is a new one.
    const email = ended.body['email'];
    expect((await api.as(ws.key, '/v1/affiliates', { body: { name: 'Ada', email } })).status).toBe(201);
  });

  test('sixteen approvals at once: one takes effect, fifteen read who was first', async () => {
    const id = await makeAffiliate(api, ws, [programId], {}, { approve: false });
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => api.as(ws.key, `/v1/affiliates/${id}/approve`, { body: {} })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const others = answers.filter(({ status }) => status !== 200);
    expect(others.every(({ status, body }) => status === 409 && body['decidedBy']['name'] === 'Ana')).toBe(true);
    expect((await history(id)).filter(({ event }) => event === 'approved')).toHaveLength(1);
  });

  test('what a program requires stands before the approval until it is done', async () => {
    const strict = await makeProgram(api, ws, { requirements: ['email_verified', 'agreement_accepted'] });
    const id = await makeAffiliate(api, ws, [strict], {}, { approve: false });
    const open = await api.as(ws.key, `/v1/affiliates/${id}/approve`, { body: {} });
    expect(open.status).toBe(409);
    expect(open.body).toMatchObject({ code: 'requirements_open', open: [{ code: 'agreement_accepted' }] });

    const program = await api.as(ws.key, `/v1/programs/${strict}`);
    const agreementId = program.body['currentTermsId'];
    const who = await api.as(ws.key, `/v1/agreements/${agreementId}/acceptances`);
    expect(who.body['data']).toMatchObject([{ affiliateId: id, acceptedAt: null }]);
    const path = `/v1/affiliates/${id}/agreement-acceptances`;
    expect((await api.as(ws.key, path, { body: { agreementId } })).status).toBe(201);
    expect((await api.as(ws.key, path, { body: { agreementId } })).status).toBe(201);
    expect(await rows('agreement_acceptances', { affiliate_id: id })).toHaveLength(1);
    const approved = await api.as(ws.key, `/v1/affiliates/${id}/approve`, { body: {} });
    expect(approved.body).toMatchObject({ status: 'approved', active: true, openRequirements: [] });
  });
});

test('links and guidelines, and the way into the portal, can be mailed again; not to somebody declined', async () => {
  const id = await makeAffiliate(api, ws, [programId]);
  const { body } = await api.as(ws.key, `/v1/affiliates/${id}`);
  const welcome = await api.as(ws.key, `/v1/affiliates/${id}/send-welcome`, { body: {} });
  expect([welcome.status, welcome.text]).toEqual([202, '{"status":"received"}']);
  expect((await api.as(ws.key, `/v1/affiliates/${id}/invite`, { body: {} })).status).toBe(202);
  const mails = await rows<{ kind: string; links: string[] }>('emails', { recipient: body['email'] });
  expect(mails.map(({ kind }) => kind)).toEqual(['affiliate_approved', 'affiliate_approved', 'invite']);
  const tokenOf = (mail: { links: string[] } | undefined) => /\/welcome\/([\w-]+)$/.exec(mail?.links.at(-1) ?? '')?.[1];
  const accept = (token: string | undefined) => api.as(null, '/v1/auth/accept-invite', { body: { token } });
  expect((await accept(tokenOf(mails[0]))).status).toBe(410); // the newer link took its place
  expect((await accept(tokenOf(mails[2]))).status).toBe(200);

  const pending = await makeAffiliate(api, ws, [], {}, { approve: false });
  const refused = await api.as(ws.key, `/v1/affiliates/${pending}/send-welcome`, { body: {} });
  expect([refused.status, refused.body['code']]).toEqual([409, 'transition_not_allowed']);
  expect((await api.as(ws.key, `/v1/affiliates/${pending}/invite`, { body: {} })).status).toBe(409);
});

describe('enrolments', () => {
  test('join, pause, resume, end; a second open one in a program is refused', async () => {
    const second = await makeProgram(api, ws);
    const id = await makeAffiliate(api, ws, [programId]);
    const joined = await api.as(ws.key, `/v1/affiliates/${id}/enrolments`, { body: { programId: second } });
    expect(joined.status, joined.text).toBe(201);
    expect(joined.body).toMatchObject({ status: 'active', allowedActions: ['pause', 'end'] });
    const twice = await api.as(ws.key, `/v1/affiliates/${id}/enrolments`, { body: { programId: second } });
    expect(twice.body).toMatchObject({ code: 'already_exists', existingId: joined.body['id'] });

    const path = `/v1/enrolments/${joined.body['id']}`;
    expect((await api.as(ws.key, `${path}/pause`, { body: {} })).body).toMatchObject({
      status: 'paused',
      undo: { path: `${path}/resume` },
    });
    expect((await api.as(ws.key, `${path}/pause`, { body: {} })).body['code']).toBe('already_decided');
    expect((await api.as(ws.key, `${path}/resume`, { body: {} })).body['status']).toBe('active');
    expect((await api.as(ws.key, `${path}/end`, { body: {} })).status).toBe(422);
    expect((await api.as(ws.key, `${path}/end`, { body: { reason: 'Left' } })).body['status']).toBe('ended');
    expect((await api.as(ws.key, `${path}/resume`, { body: {} })).body['code']).toBe('transition_not_allowed');

    const list = await api.as(ws.key, `/v1/affiliates/${id}/enrolments?limit=1`);
    expect(list.body['data']).toHaveLength(1);
    const rest = await api.as(ws.key, `/v1/affiliates/${id}/enrolments?limit=1&cursor=${list.body['nextCursor']}`);
    expect(rest.body['data'][0]?.['id']).not.toBe(list.body['data'][0]?.['id']);
    expect(rest.body['nextCursor']).toBeNull();

    const back = await api.as(ws.key, `/v1/affiliates/${id}/enrolments`, { body: { programId: second } });
    expect(back.body['joinedAt']).toBe(joined.body['joinedAt']);
  });

  test('an affiliate that is not approved is not activated', async () => {
    const id = await makeAffiliate(api, ws, [programId], {}, { approve: false });
    const affiliate = await api.as(ws.key, `/v1/affiliates/${id}`);
    const answer = await api.as(ws.key, `/v1/enrolments/${affiliate.body['enrolments'][0]?.['id']}/activate`, {
      body: {},
    });
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ code: 'requirements_open', open: [{ code: 'affiliate_not_active' }] });
  });
});

describe('editing and reading', () => {
  test('a change is a merge patch under its version; the history names fields, not their content', async () => {
    const id = await makeAffiliate(api, ws, []);
    const before = await api.as(ws.key, `/v1/affiliates/${id}`);
    const etag = before.headers.get('etag') ?? '';
    const changed = await api.as(ws.key, `/v1/affiliates/${id}`, {
      method: 'PATCH',
      headers: { 'If-Match': etag },
      body: {
        company: 'Blog Ltd',
        notes: 'Calls back on Mondays',
        tags: ['blog', 'blog'],
        rank: 2,
        minimumPayout: [{ amount: '20.00', currency: 'USD' }],
        emailVerified: true,
      },
    });
    expect(changed.status, changed.text).toBe(200);
    expect(changed.body).toMatchObject({
      company: 'Blog Ltd',
      tags: ['blog'],
      rank: 2,
      minimumPayout: [{ amount: '20.00', currency: 'USD' }],
    });
    expect(changed.body['emailVerifiedAt']).not.toBeNull();
    const stale = await api.as(ws.key, `/v1/affiliates/${id}`, {
      method: 'PATCH',
      headers: { 'If-Match': etag },
      body: { rank: 3 },
    });
    expect([stale.status, stale.body['code']]).toEqual([412, 'version_mismatch']);
    const cleared = await api.as(ws.key, `/v1/affiliates/${id}`, { method: 'PATCH', body: { company: null } });
    expect(cleared.body).toMatchObject({ company: null, rank: 2 });
    const entries = JSON.stringify(await history(id));
    expect(entries).toContain('company');
    expect(entries).not.toMatch(/Blog Ltd|Mondays/);
  });

  test('a chain of recruiters closes no circle', async () => {
    const a = await makeAffiliate(api, ws, []);
    const b = await makeAffiliate(api, ws, [], { recruiterId: a });
    const c = await makeAffiliate(api, ws, [], { recruiterId: b });
    const patch = (id: string, recruiterId: string) =>
      api.as(ws.key, `/v1/affiliates/${id}`, { method: 'PATCH', body: { recruiterId } });
    expect((await patch(a, a)).body['code']).toBe('cycle');
    expect((await patch(a, c)).body['code']).toBe('cycle');
    expect((await patch(c, a)).status).toBe(200);
    const tree = await api.as(ws.key, `/v1/affiliates/${a}/recruits`);
    expect(dataOf(tree).map((one) => [one['affiliateId'], one['depth']])).toEqual(
      expect.arrayContaining([
        [b, 1],
        [c, 1],
      ]),
    );
    // Two edits at once could close a circle that neither sees.
    const d = await makeAffiliate(api, ws, []);
    const e = await makeAffiliate(api, ws, []);
    const both = await Promise.all([patch(d, e), patch(e, d)]);
    expect(both.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 422]);
  });

  test('filters, literal search, counts and pages', async () => {
    const other = await api.makeWorkspace();
    const program = await makeProgram(api, other);
    for (const [name, country] of [
      ['100 % Deals', 'PL'],
      ['Bob_1', 'DE'],
      ['Cara', 'PL'],
    ] as const)
      await makeAffiliate(
        api,
        other,
        [program],
        { name, country, tags: [country.toLowerCase()] },
        { approve: name !== 'Cara' },
      );
    const names = async (query: string) =>
      dataOf(await api.as(other.key, `/v1/affiliates?${query}`)).map((one) => one['name']);
    expect(await names('sort=name')).toEqual(['100 % Deals', 'Bob_1', 'Cara']);
    // Days that cannot be are refused whether or not a figure is asked for.
    const turned = await api.as(other.key, '/v1/affiliates?from=2026-02-02&to=2026-02-01');
    expect([turned.status, turned.body['code']]).toEqual([422, 'validation_failed']);
    expect(await names('status=approved&sort=name')).toEqual(['100 % Deals', 'Bob_1']);
    expect(await names('country=PL,DE&tag=de')).toEqual(['Bob_1']);
    expect(await names('active=false')).toEqual(['Cara']);
    expect(await names(`q=${encodeURIComponent('%')}`)).toEqual(['100 % Deals']);
    expect(await names('q=_')).toEqual(['Bob_1']);
    expect(await names(`programId=${program}&sort=-name`)).toEqual(['Cara', 'Bob_1', '100 % Deals']);
    expect(await names('belowStandard=true')).toEqual([]);
    const counted = await api.as(other.key, '/v1/affiliates?include=counts&limit=1');
    expect(counted.body['counts']).toEqual({ total: 3, byStatus: { approved: 2, pending: 1 } });
    const paged: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await api.as(other.key, `/v1/affiliates?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`);
      paged.push(...dataOf(page).map((one) => String(one['name'])));
      cursor = page.body['nextCursor'];
    }
    expect(paged).toEqual(['Cara', 'Bob_1', '100 % Deals']);
    expect((await api.as(other.key, '/v1/affiliates?colour=red')).status).toBe(422);
  });

  test('staff limited to assigned affiliates see those, and are told that others are not theirs', async () => {
    const manager = await api.makePerson(ws, ['affiliate_manager'], { name: 'Mia' });
    const mine = await makeAffiliate(api, ws, [programId], { managerId: manager.user.id });
    const foreign = await makeAffiliate(api, ws, [programId]);
    const list = await api.as(manager.key, '/v1/affiliates');
    expect(dataOf(list).map((one) => one['id'])).toEqual([mine]);
    expect((await api.as(manager.key, `/v1/affiliates/${mine}`)).status).toBe(200);
    const refused = await api.as(manager.key, `/v1/affiliates/${foreign}`);
    expect([refused.status, refused.body['code']]).toEqual([403, 'not_in_scope']);
    expect((await api.as(manager.key, `/v1/affiliates/${foreign}/suspend`, { body: { reason: 'x' } })).status).toBe(
      403,
    );
    const links = await api.as(manager.key, '/v1/links');
    expect(dataOf(links).every((one) => one['affiliateId'] === mine)).toBe(true);
  });

  test('another workspace has no such affiliate, and a reader no right to change one', async () => {
    const id = await makeAffiliate(api, ws, []);
    const other = await api.makeWorkspace();
    const unknown = await api.as(other.key, `/v1/affiliates/${newId('affiliate')}`);
    const foreign = await api.as(other.key, `/v1/affiliates/${id}`);
    expect(foreign.status).toBe(404);
    expect(withoutRequest(foreign)).toEqual(withoutRequest(unknown));
    const { key } = await api.makePerson(ws, ['program_manager']);
    const refused = await api.as(key, `/v1/affiliates/${id}/approve`, { body: {} });
    expect(refused.body).toMatchObject({ code: 'permission_missing', missingPermission: 'status.change' });
    expect((await api.as(key, `/v1/affiliates/${id}`)).body['allowedActions']).toEqual([]);
  });

  test('balances add up per currency and mode', async () => {
    const id = await makeAffiliate(api, ws, [programId]);
    const line = (status: string, minor: bigint, more: Readonly<Record<string, unknown>> = {}) => ({
      id: newId('commission'),
      mode: 'live',
      kind: 'earned',
      affiliate_id: id,
      program_id: programId,
      cause_type: 'sale',
      cause_id: newId('sale'),
      currency: 'USD',
      exact_numerator: minor.toString(),
      exact_denominator: '1',
      amount_minor: minor,
      status,
      eligible_at: '2026-11-20T12:00:00.000Z',
      ...more,
    });
    await inWorkspace(api.db, ws.id, async (tx) => {
      await tx('commissions').insert([
        line('pending', 1_000n),
        line('pending', 500n, { accrues: false }),
        line('approved', 2_000n, { reversed_minor: 400n }),
        line('approved', -600n, { kind: 'clawback' }),
        line('paid', 700n),
        line('rejected', 900n),
        line('pending', 300n, { currency: 'JPY' }),
        line('pending', 99n, { mode: 'test' }),
      ]);
    });
    const balances = await api.as(ws.key, `/v1/affiliates/${id}/balances`);
    expect(balances.status, balances.text).toBe(200);
    const of = (amount: string, currency: string) => ({ amount, currency });
    expect(balances.body).toEqual([
      {
        object: 'affiliate_balance',
        currency: 'JPY',
        pending: of('300', 'JPY'),
        owed: of('0', 'JPY'),
        payable: of('0', 'JPY'),
        inPayout: of('0', 'JPY'),
        paid: of('0', 'JPY'),
        clawedBack: of('0', 'JPY'),
      },
      {
        object: 'affiliate_balance',
        currency: 'USD',
        pending: of('10.00', 'USD'),
        owed: of('10.00', 'USD'),
        payable: of('10.00', 'USD'),
        inPayout: of('0.00', 'USD'),
        paid: of('7.00', 'USD'),
        clawedBack: of('6.00', 'USD'),
      },
    ]);
    expect((await api.as(ws.testKey, `/v1/affiliates/${id}/balances`)).body).toMatchObject([
      { currency: 'USD', pending: of('0.99', 'USD') },
    ]);
  });
});
