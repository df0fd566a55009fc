import type { Context } from 'koa';
import type { Device } from '../db/tracking/device.js';
import type { ApiDeps } from './deps.js';

const longestUserAgent = 500;

/** The caller's device as clicks keep it: a keyed hash of the address and the user agent, so that the two can be compared. */
export function deviceOf(deps: Pick<ApiDeps, 'secrets' | 'clientAddress'>, koa: Context): Device {
  return {
    addressHash: Buffer.from(deps.secrets.sign('address', deps.clientAddress(koa.req)), 'base64url'),
    userAgent: koa
      .get('user-agent')
      .replaceAll(/\p{Cc}/gu, ' ')
      .slice(0, longestUserAgent),
  };
}
