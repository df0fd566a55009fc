import { Alert, Button, Grid, Group, NativeSelect, Paper, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getContactsByContactIdOptions,
  getContactsByContactIdSalesOptions,
  getContactsByContactIdTouchesOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { Contact } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Facts } from '../../../kit/Facts.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { AffiliateName, NameLink } from '../../../kit/ObjectName.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';

/** One person: referrals, touches and purchases; joining and overriding with a reason (screens.md 3.8). */
export function Screen(): ReactElement {
  const { contactId = '' } = useParams({ strict: false }) as { contactId?: string };
  const { t } = useTranslation();
  const query = useQuery(getContactsByContactIdOptions({ path: { contactId } }));
  return (
    <>
      <PageHead title={query.data?.name ?? query.data?.email ?? t('contact.one')} text={contactId} />
      <Loaded query={query} lines={8}>
        {(contact) => (
          <Grid>
            <Grid.Col span={{ base: 12, lg: 8 }}>
              <Stack>
                <About contact={contact} />
                <Touches contactId={contact.id} />
                <Sales contactId={contact.id} />
              </Stack>
            </Grid.Col>
            <Grid.Col span={{ base: 12, lg: 4 }}>
              <Stack>
                <Override contact={contact} />
                <Merge contact={contact} />
              </Stack>
            </Grid.Col>
          </Grid>
        )}
      </Loaded>
    </>
  );
}

function About({ contact }: { readonly contact: Contact }): ReactElement {
  const { t } = useTranslation();
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        {contact.mergedIntoId === null ? null : (
          <Alert variant="outline" color="river">
            {t('contact.merged')} <NameLink to={`/contacts/${contact.mergedIntoId}`} name={contact.mergedIntoId} />
          </Alert>
        )}
        {contact.masked ? <Text size="sm">{t('contact.masked')}</Text> : null}
        <Facts
          rows={[
            [t('contact.name'), contact.name],
            [t('contact.email'), contact.email],
            [t('contact.phone'), contact.phone],
            [t('contact.company'), contact.company],
            [t('contact.country'), contact.country],
            [t('contact.roles'), contact.roles.map((role) => t(`contact.role.${role}`)).join(', ')],
            [t('contact.since'), <DateText key="since" value={contact.createdAt} />],
          ]}
        />
        <Title order={2} size="h4">
          {t('contact.referrals')}
        </Title>
        {contact.referrals.length === 0 ? (
          <Text>{t('contact.noReferral')}</Text>
        ) : (
          contact.referrals.map((referral) => (
            <Facts
              key={referral.referralId}
              rows={[
                [
                  referral.program.name,
                  <NameLink key="story" to={`/referrals/${referral.referralId}`} name={t('lead.story')} />,
                ],
                [t('risk.open'), <StatusPill key="status" status={referral.status} objectId={referral.referralId} />],
                [t('contact.first'), <AffiliateName key="first" id={referral.first?.affiliateId ?? null} />],
                [t('contact.last'), <AffiliateName key="last" id={referral.last?.affiliateId ?? null} />],
              ]}
            />
          ))
        )}
      </Stack>
    </Paper>
  );
}

function Touches({ contactId }: { readonly contactId: string }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getContactsByContactIdTouchesOptions({ path: { contactId }, query: { limit: 100 } }));
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4">
        {t('contact.touches')}
      </Title>
      <Loaded query={query}>
        {({ data }) =>
          data.length === 0 ? (
            <Text>{t('contact.noTouch')}</Text>
          ) : (
            <Table.ScrollContainer minWidth={280}>
              <Table aria-label={t('contact.touches')}>
                <Table.Tbody>
                  {data.map((touch) => (
                    <Table.Tr key={`${touch.id}${touch.kind}`}>
                      <Table.Td>
                        <DateText value={touch.at} />
                      </Table.Td>
                      <Table.Td>{t(`contact.touch.${touch.kind}`)}</Table.Td>
                      <Table.Td>
                        <AffiliateName id={touch.affiliateId} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )
        }
      </Loaded>
    </Paper>
  );
}

function Sales({ contactId }: { readonly contactId: string }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getContactsByContactIdSalesOptions({ path: { contactId }, query: { limit: 100 } }));
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4">
        {t('contact.sales')}
      </Title>
      <Loaded query={query}>
        {({ data }) =>
          data.length === 0 ? (
            <Text>{t('contact.noSale')}</Text>
          ) : (
            <Table.ScrollContainer minWidth={280}>
              <Table aria-label={t('contact.sales')}>
                <Table.Tbody>
                  {data.map((sale) => (
                    <Table.Tr key={sale.id}>
                      <Table.Td>
                        <DateText value={sale.occurredAt} />
                      </Table.Td>
                      <Table.Td>
                        <NameLink to={`/sales/${sale.id}`} name={sale.externalId} />
                      </Table.Td>
                      <Table.Td>
                        <StatusPill status={sale.status} objectId={sale.id} />
                      </Table.Td>
                      <Table.Td ta="right">
                        <MoneyText value={sale.amount} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )
        }
      </Loaded>
    </Paper>
  );
}

function useAct(path: string): {
  readonly run: (body: unknown) => void;
  readonly error: unknown;
  readonly isPending: boolean;
} {
  const queries = useQueryClient();
  const act = useMutation({
    mutationFn: (body: unknown) => postPath(path, body),
    onSuccess: () => queries.invalidateQueries(),
  });
  return { run: (body) => act.mutate(body), error: act.error, isPending: act.isPending };
}

function Override({ contact }: { readonly contact: Contact }): ReactElement | null {
  const { t } = useTranslation();
  const may = useCan()('referrer.override');
  const [programId, setProgram] = useState(contact.referrals[0]?.program.id ?? '');
  const [which, setWhich] = useState('last');
  const [affiliateId, setAffiliate] = useState('');
  const [reason, setReason] = useState('');
  const act = useAct(`/v1/contacts/${contact.id}/referrer`);
  if (!may || contact.referrals.length === 0) return null;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    act.run({ programId, which, affiliateId: affiliateId.trim(), reason: reason.trim() });
  };
  return (
    <Paper withBorder p="md">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Title order={2} size="h4">
            {t('contact.override')}
          </Title>
          <NativeSelect
            label={t('form.program')}
            value={programId}
            onChange={(event) => setProgram(event.currentTarget.value)}
            data={contact.referrals.map(({ program }) => ({ value: program.id, label: program.name }))}
          />
          <NativeSelect
            label={t('contact.which')}
            value={which}
            onChange={(event) => setWhich(event.currentTarget.value)}
            data={[
              { value: 'first', label: t('contact.first') },
              { value: 'last', label: t('contact.last') },
            ]}
          />
          <TextInput
            label={t('contact.affiliateId')}
            value={affiliateId}
            onChange={(event) => setAffiliate(event.currentTarget.value)}
            required
          />
          <TextInput
            label={t('contact.reason')}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            required
          />
          {act.error === null ? null : <ErrorView error={act.error} />}
          <Group justify="flex-end">
            <Button type="submit" variant="default" loading={act.isPending}>
              {t('contact.overrideDo')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Paper>
  );
}

function Merge({ contact }: { readonly contact: Contact }): ReactElement | null {
  const { t } = useTranslation();
  const may = useCan()('contact.write');
  const [intoContactId, setInto] = useState('');
  const [reason, setReason] = useState('');
  const act = useAct(`/v1/contacts/${contact.id}/merge`);
  if (!may || contact.mergedIntoId !== null) return null;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    act.run({ intoContactId: intoContactId.trim(), reason: reason.trim() });
  };
  return (
    <Paper withBorder p="md">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Title order={2} size="h4">
            {t('contact.merge')}
          </Title>
          <TextInput
            label={t('contact.mergeInto')}
            value={intoContactId}
            onChange={(event) => setInto(event.currentTarget.value)}
            required
          />
          <TextInput
            label={t('contact.reason')}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            required
          />
          {act.error === null ? null : <ErrorView error={act.error} />}
          <Group justify="flex-end">
            <Button type="submit" variant="default" loading={act.isPending}>
              {t('contact.mergeDo')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Paper>
  );
}
