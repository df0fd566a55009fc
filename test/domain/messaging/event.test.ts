import { describe, expect, test } from 'vitest';
import { eventTypeOf, eventTypes, sampleEvent } from '../../../domain/messaging/event.js';
import type { Instant } from '../../../domain/time.js';

const at = '2026-11-20T09:30:00.000Z' as Instant;

describe('an entry of the history is an event where the catalogue has it', () => {
  test.each([
    // object, word, from, to, sequence, event
    ['sale', 'reported', null, 'succeeded', 1, 'sale.recorded'],
    ['sale', 'reported', null, 'declined', 1, 'sale.declined'],
    ['sale', 'succeeded', 'declined', 'succeeded', 2, 'sale.recorded'],
    ['sale', 'processed', 'succeeded', 'succeeded', 2, null],
    ['sale', 'lost', 'disputed', 'charged_back', 4, 'sale.charged_back'],
    ['referral', 'clicked', null, 'tracking', 1, 'referral.created'],
    ['referral', 'leadReported', null, 'pending', 1, 'referral.created'],
    ['referral', 'leadReported', 'tracking', 'pending', 2, null],
    ['referral', 'windowEnded', 'tracking', 'expired', 3, 'referral.expired'],
    ['commission', 'clawedBack', null, 'approved', 1, 'commission.created'],
    ['commission', 'clawedBack', 'paid', 'paid', 5, 'commission.clawed_back'],
    ['commission', 'moved', 'pending', 'pending', 3, null],
    ['payout', 'paid', 'pending', 'paid', 3, 'payout.paid'],
    ['attempt', 'paid', 'submitted', 'paid', 3, null],
    ['attempt', 'refused', 'submitted', 'refused', 3, 'payout.failed'],
    ['attempt', 'lost', 'submitting', 'unknown', 2, 'payout.unknown'],
    ['affiliate', 'applied', null, 'pending', 1, 'affiliate.applied'],
    ['affiliate', 'created', null, 'approved', 1, null],
  ] as const)('%s %s %s → %s, entry %i: %s', (objectType, event, from, to, sequence, type) => {
    expect(eventTypeOf({ objectType, event, from, to, sequence })).toBe(type);
  });

  test('each type has a sample of a move it stands for', () => {
    const samples = eventTypes.map((type) => sampleEvent(type, { at }));
    expect(samples.every(({ test: isTest, apiVersion }) => isTest && apiVersion === 'v1')).toBe(true);
    expect(samples.find(({ type }) => type === 'commission.approved')?.data).toMatchObject({
      object: { object: 'commission', status: 'approved' },
      previousAttributes: { status: 'pending' },
    });
    const withoutStatus = samples.filter(({ data }) => data.object.status === null).map(({ type }) => type);
    expect(withoutStatus).toEqual(['export.ready']);
  });
});
