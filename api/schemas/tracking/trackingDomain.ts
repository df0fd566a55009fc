import { z } from 'zod';
import {
  dnsResults,
  domainOrigin,
  httpsResults,
  parseDomain,
  recordNameOf,
  recordValueOf,
  type TrackingDomain,
} from '../../../domain/tracking/trackingDomain.js';
import { listQuery } from '../../lists.js';
import { fieldIssue, idWire, instantWire, listOf, objectFields, versionFields } from '../wire.js';

export const trackingDomainParams = z.strictObject({ domainId: idWire('trackingDomain') });
export const trackingDomainQuery = listQuery({}, { sort: ['createdAt', 'domain'], q: true });

export const trackingDomainCreate = z.strictObject({
  domain: z
    .string()
    .max(253)
    .transform((text, context) => {
      const domain = parseDomain(text);
      if (domain !== undefined) return domain;
      context.issues.push(fieldIssue('bad_format', 'A name such as go.shop.example, without scheme, port or path.'));
      return z.NEVER;
    })
    .openapi({ type: 'string', examples: ['go.shop.example'] }),
});

export const trackingDomainWire = z
  .strictObject({
    ...objectFields('trackingDomain', 'tracking_domain'),
    domain: z.string(),
    verified: z.boolean(),
    verifiedAt: instantWire.nullable(),
    checkedAt: instantWire.nullable(),
    /** The record that proves whose name it is. */
    record: z.strictObject({ type: z.literal('TXT'), name: z.string(), value: z.string() }),
    /** Where the name must lead: this installation. */
    target: z.string(),
    dns: z.enum(dnsResults).nullable(),
    https: z.enum(httpsResults).nullable(),
    /** How links begin with it. */
    origin: z.string(),
    ...versionFields,
  })
  .openapi('TrackingDomain');
export const trackingDomainList = listOf(trackingDomainWire);

export function presentTrackingDomain(domain: TrackingDomain, publicUrl: string): z.output<typeof trackingDomainWire> {
  return {
    id: domain.id,
    object: 'tracking_domain',
    domain: domain.domain,
    verified: domain.verifiedAt !== null,
    verifiedAt: domain.verifiedAt,
    checkedAt: domain.checkedAt,
    record: { type: 'TXT', name: recordNameOf(domain.domain), value: recordValueOf(domain.token) },
    target: new URL(publicUrl).hostname,
    dns: domain.dnsResult,
    https: domain.httpsResult,
    origin: domainOrigin(domain.domain, publicUrl),
    version: domain.version,
    createdAt: domain.createdAt,
    updatedAt: domain.updatedAt,
  };
}
