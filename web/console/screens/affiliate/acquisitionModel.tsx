import { Button, Group, NativeSelect, Paper, Text, Title } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { patchAffiliatesByAffiliateId } from '../../../client/sdk.gen.js';
import type { Affiliate } from '../../../client/types.gen.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useCan } from '../../../kit/session.js';

const models = ['cpl', 'cpa'] as const;

/** What this affiliate is paid for, in every program: accepted leads, customers, or what each program says (PRG-21). */
export function AcquisitionModel({ affiliate }: { readonly affiliate: Affiliate }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const [isChanging, setChanging] = useState(false);
  const mayChange = can('affiliate.write') && can('rule.write') && affiliate.status !== 'terminated';
  return (
    <Paper withBorder p="md" component="section" aria-label={t('affiliate.model')}>
      <Group justify="space-between">
        <Title order={2} size="h4">
          {t('affiliate.model')}
        </Title>
        {mayChange ? (
          <Button size="compact-sm" variant="default" onClick={() => setChanging(true)}>
            {t('affiliate.modelChange')}
          </Button>
        ) : null}
      </Group>
      <Text size="sm" mt="xs">
        {t(`affiliate.model.${affiliate.acquisitionModel ?? 'program'}`)}
      </Text>
      {isChanging ? <ModelForm affiliate={affiliate} onClose={() => setChanging(false)} /> : null}
    </Paper>
  );
}

function ModelForm({
  affiliate,
  onClose,
}: {
  readonly affiliate: Affiliate;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [model, setModel] = useState(affiliate.acquisitionModel);
  return (
    <FormDialog
      title={t('affiliate.modelChange')}
      submit={t('desk.save')}
      save={() =>
        patchAffiliatesByAffiliateId({
          path: { affiliateId: affiliate.id },
          body: { acquisitionModel: model },
          headers: { 'If-Match': `"${affiliate.version}"` } as never,
          throwOnError: true,
        })
      }
      onClose={onClose}
    >
      {() => (
        <NativeSelect
          label={t('affiliate.model')}
          description={t('affiliate.modelHint')}
          value={model ?? ''}
          onChange={(event) => setModel(models.find((one) => one === event.currentTarget.value) ?? null)}
          data={[
            { value: '', label: t('affiliate.model.program') },
            ...models.map((value) => ({ value, label: t(`affiliate.model.${value}`) })),
          ]}
        />
      )}
    </FormDialog>
  );
}
