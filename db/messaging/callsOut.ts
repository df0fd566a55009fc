import { eventTypeOf, sharedObjects } from '../../domain/messaging/event.js';
import { postbackEventOf } from '../../domain/messaging/postback.js';
import { hold } from '../pipeline.js';
import type { HeldRows } from '../roundTrip.js';
import type { Tx } from '../transaction.js';

interface Entry {
  readonly id: string;
  readonly mode: string;
  readonly object_type: string;
  readonly object_id: string;
  readonly seq: number;
  readonly event: string;
  readonly from_status: string | null;
  readonly to_status: string | null;
  readonly changes: Readonly<Record<string, unknown>>;
}

const told = `jsonb_to_recordset($1::jsonb) as told (id text, postback text, webhook text, mode text, object_type text, object_id text,
        status text)`;

// A call per postback that asked for the event, of the affiliate whom the object credits, and one per webhook of the merchant. Written with
// the COMMIT, behind everything that the transaction writes of these objects. Where nobody has a postback the `exists` ends its half, and
// where nobody has a webhook the other's: one probe of an index each.
const heldCalls: HeldRows = {
  table: 'postbacks',
  insert: `insert into outbox (lane, topic, endpoint, priority, payload)
    select 'http', call.topic, call.endpoint, 3, call.payload
    from (
      select told.id, 'postback' as topic, postback.id as endpoint, jsonb_build_object('postbackId', postback.id, 'entryId', told.id,
        'event', told.postback, 'objectType', told.object_type, 'objectId', told.object_id, 'status', told.status) as payload
      from ${told}
      cross join lateral (
        select affiliate_id, program_id from commissions where told.object_type = 'commission' and id = told.object_id
        union all select affiliate_id, program_id from sales where told.object_type = 'sale' and id = told.object_id
        union all select affiliate_id, program_id from leads where told.object_type = 'lead' and id = told.object_id
        union all select affiliate_id, program_id from referrals where told.object_type = 'referral' and id = told.object_id
      ) as about
      join postbacks as postback on postback.affiliate_id = about.affiliate_id and postback.active
        and (postback.program_id is null or postback.program_id = about.program_id) and told.postback = any (postback.events)
      where told.postback is not null and exists (select from postbacks where active)
      union all
      select told.id, 'webhook', endpoint.id,
        jsonb_build_object('endpointId', endpoint.id, 'eventId', 'evt_' || substr(told.id, 5))
      from ${told}
      join webhook_endpoints as endpoint on endpoint.active and endpoint.mode = coalesce(told.mode, endpoint.mode)
        and told.webhook = any (endpoint.events)
      where told.webhook is not null and exists (select from webhook_endpoints where active)
    ) as call
    order by call.id, call.endpoint`,
};

/**
 * Who is to be told of these entries of the history: postbacks of affiliates (BEY-21) and webhooks of the merchant (BEY-23). Entries that
 * are news to nobody send nothing.
 */
export function enqueueCallsOut(tx: Tx, entries: readonly Entry[]): void {
  hold(
    tx,
    heldCalls,
    entries.flatMap((entry) => {
      const { object_type: objectType, event, changes } = entry;
      const postback = postbackEventOf({ mode: entry.mode, objectType, event, changes });
      const webhook = eventTypeOf({
        objectType,
        event,
        from: entry.from_status,
        to: entry.to_status,
        sequence: entry.seq,
      });
      if (postback === null && webhook === null) return [];
      const isShared = (sharedObjects as readonly string[]).includes(objectType);
      return [
        {
          id: entry.id,
          postback,
          webhook,
          mode: isShared ? null : entry.mode, // of both modes
          object_type: objectType,
          object_id: entry.object_id,
          status: entry.to_status,
        },
      ];
    }),
  );
}
