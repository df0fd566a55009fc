import { describe, expect, test } from 'vitest';
import { passwordProblem } from '../../../domain/access/login.js';
import {
  can,
  grantOf,
  isPortalPermission,
  narrow,
  type Permission,
  permissions,
  type PresetId,
  presetIds,
} from '../../../domain/access/permission.js';
import {
  defaultSettings,
  effectiveTerms,
  inheritedNames,
  mergeSettings,
  minimumPayout,
  reviewLimit,
  settingChanges,
} from '../../../domain/access/settings.js';
import { type CurrencyCode, formatMoney } from '../../../domain/money.js';
import type { Duration } from '../../../domain/time.js';

// The table of api.md 2, written a second time by hand: a tick that moves in the code fails here.
const reads = permissions.filter((permission) => permission.endsWith('.read') && !isPortalPermission(permission));
const all = permissions.filter((permission) => !isPortalPermission(permission));
const expected: Readonly<Record<PresetId, readonly string[]>> = {
  owner: all.filter((permission) => permission !== 'instance.admin'),
  admin: all.filter(
    (permission) =>
      ![
        'payout.approve',
        'payout.execute',
        'payout.settle',
        'payout_method.verify',
        'ledger.write',
        'role.write',
        'instance.admin',
      ].includes(permission),
  ),
  affiliate_manager:
    'affiliate.read affiliate.write contact.read contact.write link.read link.write lead.read referral.read commission.read group.read status.change message.read message.send report.read'.split(
      ' ',
    ),
  program_manager:
    'program.read program.write rule.read rule.write link.read link.write group.read group.write affiliate.read message.read message.write report.read'.split(
      ' ',
    ),
  reviewer:
    'affiliate.read contact.read lead.read referral.read commission.read risk.read status.change lead.decide referral.decide check.write commission.decide'.split(
      ' ',
    ),
  compliance:
    'affiliate.read affiliate.write contact.read pii.read program.read referral.read status.change check.write check.waive risk.read risk.write audit.read privacy.write report.read'.split(
      ' ',
    ),
  agent: 'lead.read lead.write lead.decide contact.read'.split(' '),
  finance_preparer:
    'payout.read payout.prepare payout_method.read payout_method.write commission.read commission.decide commission.adjust ledger.read reconcile.write reseller.read reseller.money affiliate.read sale.read report.read export.create'.split(
      ' ',
    ),
  finance_approver:
    'payout.read payout.approve payout.execute payout.settle payout_method.read payout_method.verify commission.read ledger.read ledger.write reseller.read affiliate.read sale.read report.read export.create'.split(
      ' ',
    ),
  auditor: [...reads, 'audit.verify', 'history.decode', 'export.create'],
  developer:
    'key.read key.write webhook.read webhook.write log.read link.read lead.read lead.write sale.write settings.read'.split(
      ' ',
    ),
  support:
    'affiliate.read affiliate.impersonate link.read lead.read referral.read commission.read message.read message.send'.split(
      ' ',
    ),
  reseller_manager: 'reseller.read reseller.write reseller.money report.read'.split(' '),
};

test('there are 73 rights, each once', () => {
  expect(new Set(permissions).size).toBe(permissions.length);
  expect(permissions).toHaveLength(73);
});

describe.each(presetIds)('%s', (preset) => {
  test.each(permissions)('%s is as the matrix says', (permission) => {
    expect(can(grantOf([preset]), permission)).toBe(expected[preset].includes(permission));
  });
});

test('nothing ticked means nothing allowed, and an unknown role grants nothing (ROL-08)', () => {
  for (const permission of permissions) {
    expect(can(grantOf([]), permission)).toBe(false);
    expect(can(grantOf(['superuser', '__proto__', 'constructor']), permission)).toBe(false);
  }
});

test('only a right that every role limits to assigned rows is limited', () => {
  const alone = grantOf(['affiliate_manager']);
  const both = grantOf(['affiliate_manager', 'program_manager']);

  expect(alone.assignedOnly.has('affiliate.read')).toBe(true);
  expect(both.assignedOnly.has('affiliate.read')).toBe(false);
  expect(both.assignedOnly.has('affiliate.write')).toBe(true);
});

test('only a right that every role holds up to a limit is limited', () => {
  expect(grantOf(['reviewer']).limited.has('referral.decide')).toBe(true);
  expect(grantOf(['reviewer', 'admin']).limited.has('referral.decide')).toBe(false);
});

test('a key has what is ticked of what its creator has now, never more', () => {
  const ticked: readonly Permission[] = ['lead.read', 'payout.approve'];

  const key = narrow(grantOf(['developer']), ticked);

  expect([...key.permissions]).toEqual(['lead.read']);
});

test('the first user of an installation administers it; an owner alone does not', () => {
  expect(can(grantOf(['owner'], { instanceAdmin: true }), 'instance.admin')).toBe(true);
  expect(can(grantOf(['owner']), 'instance.admin')).toBe(false);
});

describe('settings (features.md 20.1)', () => {
  const usd = 'USD' as CurrencyCode;
  const jpy = 'JPY' as CurrencyCode;

  test('a currency that is not listed has the default in its own units', () => {
    const settings = mergeSettings(defaultSettings, {
      payouts: { minimumPayout: [{ amount: '5.00', currency: 'USD' }] },
    });

    expect(formatMoney(minimumPayout(settings, usd))).toEqual({ amount: '5.00', currency: 'USD' });
    expect(formatMoney(minimumPayout(settings, jpy))).toEqual({ amount: '50', currency: 'JPY' });
    expect(formatMoney(reviewLimit(settings, usd))).toEqual({ amount: '1000.00', currency: 'USD' });
  });

  test('a program’s own terms win; what it does not set is inherited and named so', () => {
    const program = { ownTerms: { attributionWindow: 'P7D', commissionHold: null } };

    const terms = effectiveTerms(defaultSettings, program);

    expect(terms.attributionWindow).toBe('P7D');
    expect(terms.commissionHold).toBe('P30D');
    expect(inheritedNames(program)).not.toContain('attributionWindow');
    expect(inheritedNames(program)).toContain('commissionHold');
  });

  test('a change names each field with its old and its new value', () => {
    const after = mergeSettings(defaultSettings, { commissions: { hold: 'P14D' as Duration } });

    expect(settingChanges(defaultSettings, after)).toEqual([
      { section: 'commissions', field: 'hold', from: 'P30D', to: 'P14D' },
    ]);
  });
});

test.each([
  { password: 'elevenchars', problem: 'too_short' },
  { password: 'x'.repeat(257), problem: 'too_long' },
  { password: 'Password1234!', problem: 'common' },
  { password: 'passwordpassword', problem: 'common' },
  { password: '123456789012', problem: 'common' },
  { password: 'aaaaaaaaaaaaaa', problem: 'common' },
  { password: 'abcdefghijklmnop', problem: 'common' },
  { password: 'ada@blog.example1', problem: 'common' },
  { password: 'correct horse battery', problem: undefined },
  { password: '🐝🐝 honey in the hive', problem: undefined },
  { password: 'k3#Xw9$Lq2!v'.repeat(10), problem: undefined },
])('the password "$password" is $problem', ({ password, problem }) => {
  expect(passwordProblem(password, ['ada@blog.example'])).toBe(problem);
});
