import { z } from 'zod';
import { type Agreement, agreementKinds } from '../../../db/program/agreement.js';
import type { Acceptance, AcceptanceOf } from '../../../db/reads/program/agreementList.js';
import { anyOf, listQuery } from '../../lists.js';
import { idWire, instantWire, listOf, longText, nameText, objectFields } from '../wire.js';

export const agreementParams = z.strictObject({ agreementId: idWire('agreement') });

export const agreementCreate = z.strictObject({
  kind: z.enum(agreementKinds),
  title: nameText,
  text: longText(100_000),
  effectiveFrom: instantWire.exactOptional(),
  mustAccept: z.boolean().exactOptional(),
  graceUntil: instantWire.nullable().exactOptional(),
});

export const agreementQuery = listQuery({ kind: anyOf(agreementKinds) });
export const agreementWire = z
  .strictObject({
    ...objectFields('agreement', 'agreement'),
    programId: idWire('program'),
    kind: z.enum(agreementKinds),
    number: z.int(),
    title: z.string(),
    text: z.string(),
    sha256: z.string(),
    mustAccept: z.boolean(),
    effectiveFrom: instantWire,
    graceUntil: instantWire.nullable(),
    createdAt: instantWire,
  })
  .openapi('Agreement');
export const agreementList = listOf(agreementWire);

export function presentAgreement(agreement: Agreement): z.output<typeof agreementWire> {
  return { object: 'agreement', ...agreement };
}

export const acceptanceWire = z
  .strictObject({
    object: z.literal('agreement_acceptance'),
    agreementId: idWire('agreement'),
    affiliateId: idWire('affiliate'),
    affiliateName: z.string(),
    acceptedAt: instantWire.nullable(),
    via: z.enum(['paper', 'portal', 'application']).nullable(),
  })
  .openapi('AgreementAcceptance');
export const acceptanceList = listOf(acceptanceWire);
export const acceptanceQuery = listQuery({}, {});
/** Acceptance on paper, entered by staff. */
export const acceptanceCreate = z.strictObject({
  agreementId: idWire('agreement'),
  acceptedAt: instantWire.exactOptional(),
});

export function presentAcceptance(
  agreementId: z.output<typeof acceptanceWire>['agreementId'],
  acceptance: Omit<Acceptance, 'enrolledAt'>,
): z.output<typeof acceptanceWire> {
  return {
    object: 'agreement_acceptance',
    agreementId,
    affiliateId: acceptance.affiliateId,
    affiliateName: acceptance.affiliateName,
    acceptedAt: acceptance.acceptedAt,
    via: acceptance.via,
  };
}

/** Seen from the affiliate: which version, when, how and from where (PRT-13). */
export const affiliateAcceptanceWire = acceptanceWire
  .extend({
    programId: idWire('program'),
    kind: agreementWire.shape.kind,
    number: z.int(),
    title: z.string(),
    address: z.string().nullable(),
  })
  .openapi('AffiliateAcceptance');
export const affiliateAcceptanceList = listOf(affiliateAcceptanceWire);

export function presentAffiliateAcceptance(
  { address, ...row }: AcceptanceOf,
  affiliate: { readonly id: z.output<typeof acceptanceWire>['affiliateId']; readonly name: string },
  seesAddress: boolean,
): z.output<typeof affiliateAcceptanceWire> {
  return {
    object: 'agreement_acceptance',
    affiliateId: affiliate.id,
    affiliateName: affiliate.name,
    ...row,
    address: seesAddress ? address : null,
  };
}
