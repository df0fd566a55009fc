import { z } from 'zod';
import { emailStatuses } from '../../../db/reads/messaging/emailList.js';
import type { SentMessage } from '../../../db/reads/messaging/sentMessages.js';
import { anyOf, anyText, instantRange, listQuery } from '../../lists.js';
import { emailWire, idWire, instantWire, listOf } from '../wire.js';
import { presentSentMessage, sentMessageWire } from './sentMessage.js';

export const emailParams = z.strictObject({ emailId: idWire('email') });
export const emailQuery = listQuery(
  {
    status: anyOf(emailStatuses),
    kind: anyText(),
    to: emailWire.exactOptional(),
    ...instantRange('createdAt'),
  },
  { q: true },
);

const {
  id: _id,
  object: _object,
  channel: _channel,
  readAt: _read,
  acknowledgedAt: _known,
  ...told
} = sentMessageWire.shape;

/** A mail of the log (api.md 14): what was written to whom, and what became of it. */
export const loggedEmailWire = z
  .strictObject({
    id: idWire('email'),
    object: z.literal('email'),
    ...told,
    createdAt: instantWire,
    allowedActions: z.array(z.string()),
  })
  .openapi('Email');
export const loggedEmailList = listOf(loggedEmailWire);

export function presentEmail(
  message: SentMessage,
  reader: { readonly seesPeople: boolean; readonly maySend: boolean },
): z.output<typeof loggedEmailWire> {
  const {
    id,
    object: _mail,
    channel: _mailed,
    readAt: _none,
    acknowledgedAt: _never,
    ...shown
  } = presentSentMessage(message, reader.seesPeople);
  return {
    id: id as z.output<typeof loggedEmailWire>['id'],
    object: 'email',
    ...shown,
    // What still waits is sent by itself.
    allowedActions: reader.maySend && shown.status !== 'waiting' ? ['resend'] : [],
  };
}
