import { postLinksByLinkIdCheck } from '../../../client/sdk.gen.js';
import type { PostLinksByLinkIdCheckResponse } from '../../../client/types.gen.js';

/** Asks the link's page now, and keeps what it said as the link's health. */
export async function lookAtLink(linkId: string): Promise<PostLinksByLinkIdCheckResponse> {
  return (await postLinksByLinkIdCheck({ path: { linkId }, body: undefined as never, throwOnError: true })).data;
}
