import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getReferralsByReferralIdDocumentsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { Loaded } from '../../../kit/Loaded.js';
import { DocumentTable } from '../affiliate/documents.js';

/** The proofs behind a referral, with their expiry (screens.md 4). */
export function ReferralFiles({ referralId }: { readonly referralId: string }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getReferralsByReferralIdDocumentsOptions({ path: { referralId }, query: { limit: 100 } }));
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {t('referral.filesText')}
      </Text>
      <Loaded query={query}>
        {({ data }) =>
          data.length === 0 ? <Text c="dimmed">{t('referral.noFiles')}</Text> : <DocumentTable documents={data} />
        }
      </Loaded>
    </Stack>
  );
}
