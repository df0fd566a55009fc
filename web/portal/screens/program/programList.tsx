import { Anchor, Button, Group, List, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeProfileOptions, getMeProgramsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { postMeProgramsByProgramIdEnrol } from '../../../client/sdk.gen.js';
import type { GetMeProgramsResponse } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { DurationText } from '../../../kit/DurationText.js';
import { EmptyList } from '../../../kit/EmptyList.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Facts } from '../../../kit/Facts.js';
import { language } from '../../../kit/i18n.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusBadge } from '../../../kit/StatusPill.js';
import { Agreements, needsAgreement } from '../affiliate/agreements.js';

type Program = GetMeProgramsResponse['data'][number];
type Joinable = GetMeProgramsResponse['joinable'][number];

/** What I earn, with what, and under which terms; and what else I may join (screens.md 6, RUL-15). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const programs = useQuery(getMeProgramsOptions({ query: { language: language() } }));
  return (
    <>
      <PageHead title={t('program.title')} text={t('program.text')} />
      {needsAgreement(programs.error) ? (
        <Agreements />
      ) : (
        <Loaded query={programs}>
          {({ data, joinable }) => (
            <Stack>
              {data.length === 0 ? <EmptyList title={t('program.none')} text={t('program.noneText')} /> : null}
              {data.map((program) => (
                <OneProgram key={program.id} program={program} />
              ))}
              <Join programs={joinable} />
            </Stack>
          )}
        </Loaded>
      )}
    </>
  );
}

function OneProgram({ program }: { readonly program: Program }): ReactElement {
  const { t } = useTranslation();
  return (
    <Paper withBorder p="md" component="section" aria-label={program.name}>
      <Group gap="sm" mb="xs">
        <Title order={2} size="h3">
          {program.name}
        </Title>
        <StatusBadge status={program.enrolment.status} />
        <Text size="sm" c="dimmed">
          {t('program.since')} <DateText value={program.enrolment.joinedAt} time={false} />
        </Text>
      </Group>
      <Title order={3} size="h5">
        {t('program.earn')}
      </Title>
      {program.rates.length === 0 ? (
        <Text>{t('program.noRate')}</Text>
      ) : (
        <List my="xs">
          {program.rates.map((rate) => (
            <List.Item
              key={`${rate.product?.id ?? ''} ${rate.event} ${rate.transactionType ?? ''} ${rate.level} ${rate.text}`}
            >
              {rate.product === null ? '' : `${rate.product.name}: `}
              {rate.text}
            </List.Item>
          ))}
        </List>
      )}
      <Facts
        rows={[
          [t('program.window'), <DurationText key="w" value={program.attributionWindow} />],
          [t('program.hold'), <DurationText key="h" value={program.commissionHold} />],
          [t('program.decides'), t(`program.decides.${program.referralApproval}`)],
          [t('program.minimum'), <MoneyText key="m" value={program.minimumPayout} />],
          [t('program.customers'), t(`program.customers.${program.customerVisibility}`)],
          [t('program.destinations'), program.destinationHosts.join(', ')],
          [t('program.paidAds'), t(`program.paidAds.${program.paidAds}`)],
          [t('program.brandTerms'), program.brandTerms.join(', ')],
        ]}
      />
      <Agreement agreement={program.terms} />
      <Agreement agreement={program.guidelines} />
      <Group mt="sm">
        <Anchor component={Link} to="/links" underline="always">
          {t('program.toLinks')}
        </Anchor>
      </Group>
    </Paper>
  );
}

/** The version in force, when it was accepted, and its text on demand. */
function Agreement({ agreement }: { readonly agreement: Program['terms'] }): ReactElement | null {
  const { t } = useTranslation();
  if (agreement === null) return null;
  return (
    <details>
      <summary>
        {t(`program.${agreement.kind}`, { title: agreement.title, number: agreement.number })}{' '}
        {agreement.acceptedAt === null ? (
          agreement.mustAccept ? (
            t('program.notAccepted')
          ) : null
        ) : (
          <>
            {t('program.accepted')} <DateText value={agreement.acceptedAt} />
          </>
        )}
      </summary>
      <Text mt="xs" style={{ whiteSpace: 'pre-wrap' }}>
        {agreement.text}
      </Text>
    </details>
  );
}

function Join({ programs }: { readonly programs: readonly Joinable[] }): ReactElement | null {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const profile = useQuery(getMeProfileOptions());
  const join = useMutation({
    mutationFn: (programId: string) =>
      postMeProgramsByProgramIdEnrol({ path: { programId }, body: {}, throwOnError: true }),
    onSuccess: () => queries.invalidateQueries(),
  });
  // While suspended, or with a login that only reads, nothing can be joined.
  if (programs.length === 0 || profile.data?.mayWrite !== true) return null;
  return (
    <Paper withBorder p="md" component="section" aria-label={t('program.join')}>
      <Title order={2} size="h3" mb="xs">
        {t('program.join')}
      </Title>
      {join.error === null ? null : <ErrorView error={join.error} />}
      <Stack gap="xs">
        {programs.map((program) => (
          <Group key={program.id} justify="space-between">
            <div>
              <Text fw={500}>{program.name}</Text>
              {program.landingUrl === null ? null : (
                <Text size="sm" c="dimmed">
                  {program.landingUrl}
                </Text>
              )}
            </div>
            <Button
              variant="default"
              loading={join.isPending && join.variables === program.id}
              onClick={() => join.mutate(program.id)}
              aria-label={t('program.joinOne', { name: program.name })}
            >
              {t('program.joinDo')}
            </Button>
          </Group>
        ))}
      </Stack>
    </Paper>
  );
}
