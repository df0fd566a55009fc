import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { getMeCommissionsByCommissionIdExplanationOptions } from '../../../client/@tanstack/react-query.gen.js';
import { ExplanationView } from '../../../kit/Explain.js';
import { Loaded } from '../../../kit/Loaded.js';

/** Why an own line is what it is, from the list of earnings and from the payout that pays it (BEY-01). */
export function OwnExplanation({ commissionId }: { readonly commissionId: string }): ReactElement {
  const explanation = useQuery(getMeCommissionsByCommissionIdExplanationOptions({ path: { commissionId } }));
  return <Loaded query={explanation}>{(data) => <ExplanationView data={data} />}</Loaded>;
}
