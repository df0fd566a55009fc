import type { Context } from 'koa';
import type { Device } from '../db/tracking/device.js';
import type { Secrets } from '../platform/secrets.js';
import type { ApiDeps } from './deps.js';

const longestUserAgent = 500;
/** 128 bits tell addresses apart; the rest would travel and lie about with each click. */
const addressHashBytes = 16;

/**
 * What is kept of an address: a keyed hash, worthless without our key. The only way to make one, because what a click, a form and a sign-in
 * keep is compared with each other (FRD-01, FRD-02).
 */
export function hashAddress(secrets: Pick<Secrets, 'sign'>, address: string): Buffer {
  return Buffer.from(secrets.sign('address', address), 'base64url').subarray(0, addressHashBytes);
}

/** The caller's device as clicks keep it: a keyed hash of the address and the user agent, so that the two can be compared. */
export function deviceOf(deps: Pick<ApiDeps, 'secrets' | 'clientAddress'>, koa: Context): Device {
  return {
    addressHash: hashAddress(deps.secrets, deps.clientAddress(koa.req)),
    userAgent: koa
      .get('user-agent')
      .replaceAll(/\p{Cc}/gu, ' ')
      .slice(0, longestUserAgent),
  };
}
