import {
  Alert,
  Button,
  Grid,
  Group,
  NativeSelect,
  Paper,
  Stack,
  Table,
  Tabs,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useMutation, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type FormEvent, type ReactElement, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getAffiliatesOptions,
  getContactsByContactIdOptions,
  getContactsByContactIdSalesOptions,
  getContactsByContactIdTouchesOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { Contact } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Facts } from '../../../kit/Facts.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { AffiliateName, NameLink } from '../../../kit/ObjectName.js';
import { useAddress } from '../../../kit/router.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { CreditDecisions } from '../earning/referralTouches.js';
import { ContactPicker } from './contactPicker.js';

const tabs = ['overview', 'referrals', 'transactions'] as const;

/** One person in all roles: facts, referral info with who won and why, and the log of transactions (screens.md 3.8, ADM-13). */
export function Screen(): ReactElement {
  const { contactId = '' } = useParams({ strict: false }) as { contactId?: string };
  const { t } = useTranslation();
  const can = useCan();
  const { search, change } = useAddress();
  const query = useQuery(getContactsByContactIdOptions({ path: { contactId } }));
  const [isLogging, setLogging] = useState(false);
  const tab = tabs.find((one) => one === search['tab']) ?? 'overview';
  const contact = query.data;
  // Without the person's address the sale could not be tied to them: who sees it masked has no button.
  const mayLog = can('sale.write') && contact !== undefined && !contact.masked && contact.email !== null;
  return (
    <>
      <PageHead
        title={contact?.name ?? contact?.email ?? t('contact.one')}
        text={contactId}
        actions={mayLog ? <Button onClick={() => setLogging(true)}>{t('contact.logSale')}</Button> : undefined}
      />
      <Loaded query={query} lines={8}>
        {(found) => (
          <Tabs value={tab} keepMounted={false} onChange={(next) => change({ tab: next ?? '' }, { replace: true })}>
            <Tabs.List mb="sm">
              {tabs.map((one) => (
                <Tabs.Tab key={one} value={one}>
                  {t(`contact.tab.${one}`)}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            <Tabs.Panel value="overview">
              <Grid>
                <Grid.Col span={{ base: 12, lg: 8 }}>
                  <About contact={found} />
                </Grid.Col>
                <Grid.Col span={{ base: 12, lg: 4 }}>
                  <Merge contact={found} />
                </Grid.Col>
              </Grid>
            </Tabs.Panel>
            <Tabs.Panel value="referrals">
              <Grid>
                <Grid.Col span={{ base: 12, lg: 8 }}>
                  <Stack>
                    <ReferralInfo contact={found} />
                    <Touches contactId={found.id} />
                  </Stack>
                </Grid.Col>
                <Grid.Col span={{ base: 12, lg: 4 }}>
                  <Override contact={found} />
                </Grid.Col>
              </Grid>
            </Tabs.Panel>
            <Tabs.Panel value="transactions">
              <Sales contactId={found.id} />
            </Tabs.Panel>
          </Tabs>
        )}
      </Loaded>
      {isLogging && contact !== undefined ? <LogSale contact={contact} onClose={() => setLogging(false)} /> : null}
    </>
  );
}

/** A purchase that happened elsewhere: recorded, never charged; it earns as any other (TST-05). */
function LogSale({ contact, onClose }: { readonly contact: Contact; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const { change } = useAddress();
  const [order, setOrder] = useState('');
  const [amount, setAmount] = useState('');
  const [currency, setCurrency] = useState('');
  const [product, setProduct] = useState('');
  const save = (key: string) =>
    postPath(
      '/v1/sales',
      {
        externalId: order.trim(),
        customer: { email: contact.email },
        amount: { amount: amount.trim(), currency: currency.trim().toUpperCase() },
        ...(product.trim() === '' ? {} : { product: product.trim() }),
      },
      key,
    );
  return (
    <FormDialog
      title={t('contact.logSale')}
      submit={t('contact.logSaleDo')}
      save={save}
      onSaved={() => change({ tab: 'transactions' })}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <Text size="sm">{t('contact.logSaleText')}</Text>
          <TextInput
            label={t('sale.order')}
            value={order}
            error={errors['externalId']}
            required
            onChange={(event) => setOrder(event.currentTarget.value)}
          />
          <Group grow align="flex-start">
            <TextInput
              label={t('sale.amount')}
              value={amount}
              inputMode="decimal"
              error={errors['amount.amount']}
              required
              onChange={(event) => setAmount(event.currentTarget.value)}
            />
            <TextInput
              label={t('program.currency')}
              value={currency}
              error={errors['amount.currency']}
              required
              onChange={(event) => setCurrency(event.currentTarget.value)}
            />
          </Group>
          <TextInput
            label={t('contact.product')}
            value={product}
            error={errors['product']}
            onChange={(event) => setProduct(event.currentTarget.value)}
          />
        </>
      )}
    </FormDialog>
  );
}

/** Who brought this person to each program, first and last, and the decision with winner, losers and reasons. */
function ReferralInfo({ contact }: { readonly contact: Contact }): ReactElement {
  const { t } = useTranslation();
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4">
        {t('contact.referrals')}
      </Title>
      {contact.referrals.length === 0 ? (
        <Text>{t('contact.noReferral')}</Text>
      ) : (
        <Stack>
          {contact.referrals.map((referral) => (
            <Stack key={referral.referralId} gap="sm">
              <Facts
                rows={[
                  [
                    referral.program.name,
                    <NameLink key="story" to={`/referrals/${referral.referralId}`} name={t('lead.story')} />,
                  ],
                  [t('risk.open'), <StatusPill key="status" status={referral.status} objectId={referral.referralId} />],
                  [t('contact.first'), <Referrer key="first" of={referral.first} />],
                  [t('contact.last'), <Referrer key="last" of={referral.last} />],
                ]}
              />
              <Decisions referralId={referral.referralId} />
            </Stack>
          ))}
        </Stack>
      )}
    </Paper>
  );
}

/** Name and address of who brought the person (TRK-11). */
function Referrer({ of }: { readonly of: Contact['referrals'][number]['first'] }): ReactElement {
  return (
    <>
      <AffiliateName id={of?.affiliateId ?? null} />
      {of === null ? null : ` · ${of.email}`}
    </>
  );
}

/** The credit decisions of one referral, for those who may read it. */
function Decisions({ referralId }: { readonly referralId: string }): ReactElement | null {
  return useCan()('referral.read') ? <CreditDecisions referralId={referralId} /> : null;
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
      </Stack>
    </Paper>
  );
}

/** A titled table of what happened, newest as the API has it. */
function Happened<T>({
  title,
  none,
  query,
  rowKey,
  cells,
}: {
  readonly title: string;
  readonly none: string;
  readonly query: UseQueryResult<{ readonly data: readonly T[] }, unknown>;
  readonly rowKey: (row: T) => string;
  readonly cells: (row: T) => readonly ReactNode[];
}): ReactElement {
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4">
        {title}
      </Title>
      <Loaded query={query}>
        {({ data }) =>
          data.length === 0 ? (
            <Text>{none}</Text>
          ) : (
            <Table.ScrollContainer minWidth={280}>
              <Table aria-label={title}>
                <Table.Tbody>
                  {data.map((row) => (
                    <Table.Tr key={rowKey(row)}>
                      {cells(row).map((cell, index) => (
                        <Table.Td key={index}>{cell}</Table.Td>
                      ))}
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

function Touches({ contactId }: { readonly contactId: string }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getContactsByContactIdTouchesOptions({ path: { contactId }, query: { limit: 100 } }));
  return (
    <Happened
      title={t('contact.touches')}
      none={t('contact.noTouch')}
      query={query}
      rowKey={(touch) => `${touch.id}${touch.kind}`}
      cells={(touch) => [
        <DateText key="at" value={touch.at} />,
        t(`contact.touch.${touch.kind}`),
        <AffiliateName key="affiliate" id={touch.affiliateId} />,
      ]}
    />
  );
}

function Sales({ contactId }: { readonly contactId: string }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getContactsByContactIdSalesOptions({ path: { contactId }, query: { limit: 100 } }));
  return (
    <Happened
      title={t('contact.sales')}
      none={t('contact.noSale')}
      query={query}
      rowKey={(sale) => sale.id}
      cells={(sale) => [
        <DateText key="at" value={sale.occurredAt} />,
        <NameLink key="order" to={`/sales/${sale.id}`} name={sale.externalId} />,
        <StatusPill key="status" status={sale.status} objectId={sale.id} />,
        <MoneyText key="amount" value={sale.amount} />,
      ]}
    />
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
  const affiliates = useQuery({ ...getAffiliatesOptions({ query: { limit: 200 } }), enabled: may });
  const act = useAct(`/v1/contacts/${contact.id}/referrer`);
  if (!may || contact.referrals.length === 0) return null;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    act.run({ programId, which, affiliateId, reason: reason.trim() });
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
          <NativeSelect
            label={t('contact.affiliateId')}
            value={affiliateId}
            onChange={(event) => setAffiliate(event.currentTarget.value)}
            data={[
              { value: '', label: '–' },
              ...(affiliates.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
            ]}
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
    if (intoContactId !== '') act.run({ intoContactId, reason: reason.trim() });
  };
  return (
    <Paper withBorder p="md">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Title order={2} size="h4">
            {t('contact.merge')}
          </Title>
          <ContactPicker label={t('contact.mergeInto')} value={intoContactId} onChange={setInto} />
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
