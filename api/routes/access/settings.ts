import { z } from 'zod';
import {
  findSettingsVersion,
  getSettings,
  listSettingsVersions,
  lockSettings,
  updateSettings,
} from '../../../db/access/settings.js';
import { hasMoney } from '../../../db/access/moneyExists.js';
import { listUserNames } from '../../../db/access/userName.js';
import { defaultRuleConflicts } from '../../../db/program/defaultRule.js';
import type { Tx } from '../../../db/transaction.js';
import {
  mergeSettings,
  type Settings,
  type SettingsSection,
  settingsSections,
} from '../../../domain/access/settings.js';
import { DomainError } from '../../../domain/errors.js';
import { durationMs } from '../../../domain/time.js';
import { listQuery } from '../../lists.js';
import { defineRoute, type Route } from '../../route.js';
import { invalid } from '../../problems.js';
import {
  presentSettings,
  presentSettingsVersion,
  revertBody,
  settingsPatch,
  settingsSectionWire,
  settingsVersionWire,
  settingsWire,
  toStored,
} from '../../schemas/access/settings.js';
import { listOf } from '../../schemas/wire.js';
import { withoutNewMeetings } from '../program/ruleMeeting.js';

const dayMs = 86_400_000;

/** The default currency may change only while no money is booked (SET-11). */
async function requireSameCurrency(tx: Tx, before: Settings, after: Settings): Promise<void> {
  if (before.general.defaultCurrency === after.general.defaultCurrency) return;
  if (await hasMoney(tx)) throw new DomainError('settings.currency_locked');
}

const getAll = defineRoute({
  method: 'GET',
  path: '/v1/settings',
  summary: 'All settings with their version',
  permission: 'settings.read',
  reply: settingsWire,
  refuses: [],
  handle: (ctx) => ctx.read(async (tx) => presentSettings(await getSettings(tx))),
});

const history = defineRoute({
  method: 'GET',
  path: '/v1/settings/history',
  summary: 'Each change: old, new, who',
  permission: 'settings.read',
  query: listQuery({}, { sort: ['version'] }),
  reply: listOf(settingsVersionWire),
  refuses: [],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      if (!ctx.query.sort.descending)
        throw invalid({ parameter: 'sort', code: 'not_in_list', detail: 'Newest first only: -version.' });
      const page = ctx.page(ctx.query);
      const versions = await listSettingsVersions(
        tx,
        page.after === null ? null : Number(page.after.value),
        page.limit,
      );
      const names = await listUserNames(
        tx,
        versions.flatMap((one) => (one.changedBy === null ? [] : [one.changedBy])),
      );
      return ctx.list(
        versions,
        page,
        (version) => presentSettingsVersion(version, names),
        (version) => ({ value: version.version, id: String(version.version) }),
      );
    }),
});

const getSection = defineRoute({
  method: 'GET',
  path: '/v1/settings/:section',
  summary: 'One section of the settings',
  permission: 'settings.read',
  params: z.strictObject({ section: z.enum(settingsSections as readonly [SettingsSection, ...SettingsSection[]]) }),
  reply: settingsSectionWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const { settings, version, savedAt, updatedAt } = await getSettings(tx);
      const { section } = ctx.params;
      const values = { ...(settings[section] as Record<string, unknown>) };
      return { object: 'settings_section' as const, section, version, savedAt, updatedAt, values };
    }),
});

const patch = defineRoute({
  method: 'PATCH',
  path: '/v1/settings',
  summary: 'Change settings; an empty object saves the offered defaults',
  permission: 'settings.write',
  ifMatch: 'required',
  body: settingsPatch,
  reply: settingsWire,
  refuses: ['settings.currency_locked', 'request.version_mismatch', 'rule.rule_conflict'],
  handle: (ctx, deps) =>
    ctx.write(async (tx, act) => {
      const before = await lockSettings(tx);
      ctx.requireVersion(before.version);
      const after = mergeSettings(before.settings, toStored(ctx.body));
      // Seconds are for tests, which cannot wait (api.md 1.1).
      if (deps.config.nodeEnv === 'production' && durationMs(after.tracking.attributionWindow) < dayMs)
        throw invalid({ pointer: '#/tracking/attributionWindow', code: 'out_of_range', detail: 'At least P1D.' });
      await requireSameCurrency(tx, before.settings, after);
      if (ctx.body.commissions?.defaultRule === undefined)
        return presentSettings(await updateSettings(tx, act, before, after));
      const conflicts = defaultRuleConflicts(after.commissions.defaultRule);
      if (conflicts.length > 0) throw new DomainError('rule.rule_conflict', { conflicts });
      return presentSettings(await withoutNewMeetings(tx, act.now, () => updateSettings(tx, act, before, after)));
    }),
});

const revert = defineRoute({
  method: 'POST',
  path: '/v1/settings/revert',
  summary: 'Make a new version with the values of an older one',
  permission: 'settings.write',
  stepUp: true,
  body: revertBody,
  reply: settingsWire,
  refuses: ['settings.currency_locked', 'rule.rule_conflict'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const before = await lockSettings(tx);
      const old = await findSettingsVersion(tx, ctx.body.toVersion);
      if (old === undefined)
        throw invalid({ pointer: '#/toVersion', code: 'not_found', detail: 'There is no such version.' });
      await requireSameCurrency(tx, before.settings, old);
      return presentSettings(await withoutNewMeetings(tx, act.now, () => updateSettings(tx, act, before, old)));
    }),
});

export const settingsRoutes: readonly Route[] = [getAll, history, getSection, patch, revert];
