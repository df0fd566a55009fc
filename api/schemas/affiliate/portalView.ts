import { z } from 'zod';
import { reasonText } from '../wire.js';

/** Why somebody looks at an affiliate's portal: the affiliate reads it (reliability.md T42). */
export const impersonateBody = z.strictObject({ reason: reasonText });
