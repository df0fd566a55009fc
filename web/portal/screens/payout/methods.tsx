import { Button, Group, NativeSelect, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getMePayoutMethodsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { deleteMePayoutMethodsByMethodId } from '../../../client/sdk.gen.js';
import type { GetMePayoutMethodsResponse, OwnPayoutMethod } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { useProblemText } from '../../../kit/ErrorView.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { Loaded } from '../../../kit/Loaded.js';
import { useCan } from '../../../kit/session.js';
import { StatusBadge } from '../../../kit/StatusPill.js';
import { useWithStepUp } from '../../../kit/stepUp.js';

type Types = GetMePayoutMethodsResponse['types'];

/** How I am paid: masked, with its state; added and removed after a step-up, confirmed by the mail that follows (PRT, T3). */
export function PayoutMethods(): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const methods = useQuery(getMePayoutMethodsOptions());
  const [isAdding, setAdding] = useState(false);
  return (
    <Paper withBorder p="md" component="section" aria-label={t('method.title')}>
      <Title order={2} size="h4">
        {t('method.title')}
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {t('method.text')}
      </Text>
      <Loaded query={methods}>
        {({ data, types }) => (
          <Stack gap="sm">
            {data.length === 0 ? <Text>{t('method.none')}</Text> : null}
            {data.map((method) => (
              <Method key={method.id} method={method} />
            ))}
            {can('me.write') && types.length > 0 ? (
              <Group>
                <Button onClick={() => setAdding(true)}>{t('method.add')}</Button>
              </Group>
            ) : null}
            {isAdding ? <AddMethod types={types} onClose={() => setAdding(false)} /> : null}
          </Stack>
        )}
      </Loaded>
    </Paper>
  );
}

function Method({ method }: { readonly method: OwnPayoutMethod }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const queries = useQueryClient();
  const withStepUp = useWithStepUp();
  const problemText = useProblemText();
  const remove = useMutation({
    mutationFn: () =>
      withStepUp(() => deleteMePayoutMethodsByMethodId({ path: { methodId: method.id }, throwOnError: true })),
    onSuccess: () => queries.invalidateQueries(),
    onError: (error) =>
      notifications.show({ title: problemText(error).title, message: problemText(error).detail, color: 'red' }),
  });
  const name = `${t(`method.${method.type}`)} ${method.masked} (${method.currency})`;
  return (
    <Group justify="space-between" align="flex-start">
      <Stack gap={2} align="flex-start">
        <Text fw={500}>{name}</Text>
        <StatusBadge status={method.status} />
        {method.status === 'unverified' ? <Text size="sm">{t('method.confirmByMail')}</Text> : null}
        {method.status === 'cooling' ? (
          <Text size="sm">
            {t('method.cooling')} <DateText value={method.activeAt} />
          </Text>
        ) : null}
      </Stack>
      {can('me.write') ? (
        <Button
          variant="default"
          size="compact-sm"
          loading={remove.isPending}
          onClick={() => remove.mutate()}
          aria-label={t('method.removeOne', { method: name })}
        >
          {t('method.remove')}
        </Button>
      ) : null}
    </Group>
  );
}

function AddMethod({ types, onClose }: { readonly types: Types; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const withStepUp = useWithStepUp();
  // A bank account has two sets of fields: each is a choice of its own.
  const choices = types.flatMap(({ type, fields }) =>
    fields.map((names, index) => ({
      value: `${type}-${index}`,
      type,
      names,
      label:
        fields.length === 1
          ? t(`method.${type}`)
          : `${t(`method.${type}`)} (${names.map((one) => t(`method.field.${one}`)).join(', ')})`,
    })),
  );
  const [value, setValue] = useState(choices[0]?.value ?? '');
  const [currency, setCurrency] = useState('');
  const [details, setDetails] = useState<Readonly<Record<string, string>>>({});
  const chosen = choices.find((one) => one.value === value);
  return (
    <FormDialog
      title={t('method.add')}
      submit={t('method.save')}
      save={(key) =>
        withStepUp(() =>
          postPath(
            '/v1/me/payout-methods',
            {
              type: chosen?.type,
              currency: currency.toUpperCase(),
              details: Object.fromEntries((chosen?.names ?? []).map((one) => [one, details[one] ?? ''])),
            },
            key,
          ),
        )
      }
      onSaved={() => notifications.show({ message: t('method.added'), color: 'river' })}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <NativeSelect
            label={t('method.type')}
            value={value}
            onChange={(event) => {
              setValue(event.currentTarget.value);
              setDetails({});
            }}
            data={choices.map((one) => ({ value: one.value, label: one.label }))}
          />
          <TextInput
            label={t('method.currency')}
            placeholder="EUR"
            required
            maxLength={3}
            value={currency}
            error={errors['currency']}
            onChange={(event) => setCurrency(event.currentTarget.value)}
          />
          {(chosen?.names ?? []).map((name) => (
            <TextInput
              key={name}
              label={t(`method.field.${name}`)}
              required
              value={details[name] ?? ''}
              error={errors[`details.${name}`]}
              onChange={(event) => setDetails({ ...details, [name]: event.currentTarget.value })}
            />
          ))}
        </>
      )}
    </FormDialog>
  );
}
