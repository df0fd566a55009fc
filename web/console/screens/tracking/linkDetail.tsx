import {
  Anchor,
  Button,
  Checkbox,
  CopyButton,
  Grid,
  Group,
  Image,
  Paper,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getLinksByLinkIdOptions } from '../../../client/@tanstack/react-query.gen.js';
import { patchLinksByLinkId, postLinksByLinkIdCheck, postTrackingTests } from '../../../client/sdk.gen.js';
import type { Link } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionButtons } from '../../../kit/DecisionButtons.js';
import { useDestinationLook, Warnings } from '../../../kit/DestinationLook.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Facts } from '../../../kit/Facts.js';
import { Loaded } from '../../../kit/Loaded.js';
import { localField } from '../../../kit/localField.js';
import { AffiliateName, ProgramName } from '../../../kit/ObjectName.js';
import { isProblem } from '../../../kit/problem.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { lookAtLink } from './lookAtLink.js';

/** One link: where it leads, whether it credits, its picture, and what may be changed (screens.md 3.11). */
export function Screen(): ReactElement {
  const { linkId = '' } = useParams({ strict: false }) as { linkId?: string };
  const { t } = useTranslation();
  const query = useQuery(getLinksByLinkIdOptions({ path: { linkId } }));
  return (
    <>
      <PageHead
        title={query.data?.slug ?? t('link.one')}
        text={linkId}
        actions={
          query.data === undefined ? undefined : (
            <DecisionButtons path={`/v1/links/${linkId}`} actions={query.data.allowedActions} />
          )
        }
      />
      <Loaded query={query} lines={8}>
        {(link) => (
          <Grid>
            <Grid.Col span={{ base: 12, lg: 8 }}>
              <Stack>
                <About link={link} />
                <Edit key={link.version} link={link} />
              </Stack>
            </Grid.Col>
            <Grid.Col span={{ base: 12, lg: 4 }}>
              <Picture link={link} />
            </Grid.Col>
          </Grid>
        )}
      </Loaded>
    </>
  );
}

function About({ link }: { readonly link: Link }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const can = useCan();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const check = useMutation({
    mutationFn: async () =>
      (await postLinksByLinkIdCheck({ path: { linkId: link.id }, body: undefined as never, throwOnError: true })).data,
    onSuccess: () => queries.invalidateQueries(),
  });
  const begin = useMutation({
    mutationFn: async () => (await postTrackingTests({ body: { linkId: link.id }, throwOnError: true })).data,
    onSuccess: (test) => {
      sessionStorage.setItem(`tracking-test ${test.id}`, test.url ?? '');
      return navigate({ to: `/developers/tracking/${test.id}` });
    },
  });
  const seen = check.data?.check;
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Group gap="xs" wrap="nowrap" align="center">
          <Text fw={600} style={{ overflowWrap: 'anywhere', flex: 1 }}>
            {link.url}
          </Text>
          <CopyButton value={link.url}>
            {({ copied, copy }) => (
              <Button
                size="compact-sm"
                variant="default"
                onClick={copy}
                aria-label={t('link.copy', { link: link.url })}
              >
                {t(copied ? 'copied' : 'copy')}
              </Button>
            )}
          </CopyButton>
        </Group>
        <Facts
          rows={[
            [t('link.affiliate'), <AffiliateName key="affiliate" id={link.affiliateId} />],
            [t('link.program'), <ProgramName key="program" id={link.programId} />],
            [t('link.status'), <StatusPill key="status" status={link.status} objectId={link.id} />],
            [
              t('link.credits'),
              link.credits ? t('yes') : `${t('no')}${link.creditCode === null ? '' : `: ${reason(link.creditCode)}`}`,
            ],
            [t('link.kind'), t(`link.kind.${link.kind}`)],
            [t('link.health'), t(`link.health.${link.health}`)],
            [t('link.checked'), <DateText key="checked" value={link.healthCheckedAt} />],
            [t('link.expiresAt'), <DateText key="expires" value={link.expiresAt} />],
          ]}
        />
        <Warnings warnings={check.data?.warnings ?? link.warnings} />
        {seen === undefined ? null : (
          <Text size="sm" aria-live="polite">
            {t('link.seen', {
              answer: seen.status ?? seen.fault ?? '–',
              script: seen.scriptFound === null ? '–' : t(seen.scriptFound ? 'yes' : 'no'),
            })}
          </Text>
        )}
        {[check.error, begin.error].map((error, index) =>
          error === null ? null : <ErrorView key={index === 0 ? 'check' : 'test'} error={error} />,
        )}
        <Group gap="xs">
          {can('link.write') ? (
            <Button variant="default" onClick={() => check.mutate()} loading={check.isPending}>
              {t('link.check')}
            </Button>
          ) : null}
          {link.kind === 'standard' ? (
            <Button variant="default" onClick={() => begin.mutate()} loading={begin.isPending}>
              {t('link.test')}
            </Button>
          ) : null}
        </Group>
      </Stack>
    </Paper>
  );
}

function Edit({ link }: { readonly link: Link }): ReactElement | null {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const mayWrite = useCan()('link.write');
  const [slug, setSlug] = useState(link.slug);
  const [destinationUrl, setDestination] = useState(link.destinationUrl);
  const [expires, setExpires] = useState(localField(link.expiresAt));
  const [campaign, setCampaign] = useState(link.campaign ?? '');
  const [ad, setAd] = useState(link.ad ?? '');
  const [isConverted, setConverted] = useState(false);
  const look = useDestinationLook(lookAtLink);
  const save = useMutation({
    mutationFn: async () =>
      (
        await patchLinksByLinkId({
          path: { linkId: link.id },
          headers: { 'If-Match': `"${link.version}"` } as never,
          body: {
            ...(isConverted ? { kind: 'standard' as const } : {}),
            ...(slug.trim() === link.slug ? {} : { slug: slug.trim() }),
            ...(destinationUrl.trim() === link.destinationUrl ? {} : { destinationUrl: destinationUrl.trim() }),
            ...(expires === localField(link.expiresAt)
              ? {}
              : { expiresAt: expires === '' ? null : new Date(expires).toISOString() }),
            ...(campaign.trim() === (link.campaign ?? '') ? {} : { campaign: campaign.trim() || null }),
            ...(ad.trim() === (link.ad ?? '') ? {} : { ad: ad.trim() || null }),
          },
          throwOnError: true,
        })
      ).data,
    onSuccess: async (changed) => {
      const breaks = changed.warnings.some(({ code }) => code === 'published_links_break');
      notifications.show({ message: t(breaks ? 'link.warning.published_links_break' : 'link.saved') });
      if (changed.destinationUrl !== link.destinationUrl) await look(changed.id);
      return queries.invalidateQueries();
    },
  });
  if (!mayWrite || link.status === 'archived') return null;
  const errors = isProblem(save.error) ? save.error.fieldErrors : {};
  const breaks = link.kind === 'direct' && destinationUrl.trim() !== link.destinationUrl;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Paper withBorder p="md">
      <form onSubmit={submit}>
        <Stack>
          <Title order={2} size="h4">
            {t('link.edit')}
          </Title>
          <TextInput
            label={t('link.slug')}
            description={t('link.renameHint')}
            value={slug}
            error={errors['slug']}
            onChange={(event) => setSlug(event.currentTarget.value)}
          />
          <TextInput
            label={t('link.destination')}
            type="url"
            value={destinationUrl}
            error={errors['destinationUrl']}
            onChange={(event) => setDestination(event.currentTarget.value)}
          />
          {breaks && !isConverted ? <Warnings warnings={[{ code: 'published_links_break' }]} /> : null}
          {link.kind === 'direct' ? (
            <Checkbox
              label={t('link.convert')}
              description={t('link.convertHint')}
              checked={isConverted}
              onChange={(event) => setConverted(event.currentTarget.checked)}
            />
          ) : null}
          <TextInput
            label={t('link.expiresAt')}
            description={t('link.expiresHint')}
            type="datetime-local"
            value={expires}
            error={errors['expiresAt']}
            onChange={(event) => setExpires(event.currentTarget.value)}
          />
          <Group grow align="flex-start">
            <TextInput
              label={t('link.campaign')}
              value={campaign}
              error={errors['campaign']}
              onChange={(event) => setCampaign(event.currentTarget.value)}
            />
            <TextInput
              label={t('link.ad')}
              value={ad}
              error={errors['ad']}
              onChange={(event) => setAd(event.currentTarget.value)}
            />
          </Group>
          {save.error === null ? null : <ErrorView error={save.error} />}
          <Group justify="flex-end">
            <Button type="submit" loading={save.isPending}>
              {t('link.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Paper>
  );
}

function Picture({ link }: { readonly link: Link }): ReactElement {
  const { t } = useTranslation();
  const path = `/v1/links/${link.id}/qr`;
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Title order={2} size="h4">
          {t('link.qr')}
        </Title>
        <Image src={`${path}?format=svg`} alt={t('link.qrAlt', { link: link.url })} maw={260} bg="white" />
        <Text size="sm" c="dimmed">
          {t('link.qrHint')}
        </Text>
        <Group gap="sm">
          <Anchor href={`${path}?format=svg`} download={`${link.slug}.svg`}>
            SVG
          </Anchor>
          <Anchor href={`${path}?format=png`} download={`${link.slug}.png`}>
            PNG
          </Anchor>
        </Group>
      </Stack>
    </Paper>
  );
}
