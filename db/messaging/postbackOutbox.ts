import { type PostbackEvent, postbackEventOf } from '../../domain/messaging/postback.js';
import { hold } from '../pipeline.js';
import type { HeldRows } from '../roundTrip.js';
import type { Tx } from '../transaction.js';

interface Entry {
  readonly id: string;
  readonly mode: string;
  readonly object_type: string;
  readonly object_id: string;
  readonly event: string;
  readonly to_status: string | null;
  readonly changes: Readonly<Record<string, unknown>>;
}

// A call per postback that asked for the event, of the affiliate whom the object credits. Written with the COMMIT, behind everything that the
// transaction writes of these objects. Where nobody has a postback the first line ends it: one probe of an index.
const heldPostbacks: HeldRows = {
  table: 'postbacks',
  insert: `insert into outbox (lane, topic, endpoint, priority, payload)
    select 'http', 'postback', postback.id, 3, jsonb_build_object('postbackId', postback.id, 'entryId', told.id, 'event', told.event,
      'objectType', told.object_type, 'objectId', told.object_id, 'status', told.status)
    from jsonb_to_recordset($1::jsonb) as told (id text, event text, object_type text, object_id text, status text)
    cross join lateral (
      select affiliate_id, program_id from commissions where told.object_type = 'commission' and id = told.object_id
      union all select affiliate_id, program_id from sales where told.object_type = 'sale' and id = told.object_id
      union all select affiliate_id, program_id from leads where told.object_type = 'lead' and id = told.object_id
      union all select affiliate_id, program_id from referrals where told.object_type = 'referral' and id = told.object_id
    ) as about
    join postbacks as postback on postback.affiliate_id = about.affiliate_id and postback.active
      and (postback.program_id is null or postback.program_id = about.program_id) and told.event = any (postback.events)
    where exists (select from postbacks where active)
    order by told.id, postback.id`,
};

/** The postbacks that these entries of the history are to be told to (BEY-21). Most transactions have none, and then nothing is sent. */
export function enqueuePostbacks(tx: Tx, entries: readonly Entry[]): void {
  hold(
    tx,
    heldPostbacks,
    entries.flatMap((entry) => {
      const event: PostbackEvent | null = postbackEventOf({
        mode: entry.mode,
        objectType: entry.object_type,
        event: entry.event,
        changes: entry.changes,
      });
      return event === null
        ? []
        : [
            {
              id: entry.id,
              event,
              object_type: entry.object_type,
              object_id: entry.object_id,
              status: entry.to_status,
            },
          ];
    }),
  );
}
