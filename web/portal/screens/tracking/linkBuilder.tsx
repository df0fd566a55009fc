import { Anchor, Box, Button, Code, CopyButton, Group, Image, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeProfileOptions, getMeProgramsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Link as OwnLink, PageCheck } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { UtmInputs, type UtmMarks, utmNames } from '../../../kit/UtmInputs.js';

/** What the redirect takes: a path of the link's page, or a page on a host that the program allows (api.md 4.1). */
function deepLinkFault(page: string, destinationUrl: string, hosts: readonly string[]): boolean {
  if (page === '') return false;
  if (!URL.canParse(page, destinationUrl)) return true;
  const url = new URL(page, destinationUrl);
  return !hosts.includes(url.host) || !/^https?:$/.test(url.protocol) || url.username !== '';
}

/** A link with a label, or to another page of the shop, and as a picture: the final address is what is shown (screens.md 6, TRK-14, BEY-19). */
export function LinkBuilder({ link, onClose }: { readonly link: OwnLink; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  // Without the grant nothing tells how to label a link (TRK-16).
  const { data: profile } = useQuery(getMeProfileOptions());
  const { data: programs } = useQuery(getMeProgramsOptions());
  const [label, setLabel] = useState('');
  const [page, setPage] = useState('');
  const [marks, setMarks] = useState<UtmMarks>({});
  const isStandard = link.kind === 'standard';
  const allowed = programs?.data.find((program) => program.id === link.programId)?.destinationHosts ?? [];
  const hosts = [...new Set([new URL(link.destinationUrl).host, ...allowed])];
  const isFaulty = isStandard && deepLinkFault(page.trim(), link.destinationUrl, hosts);
  const to = isStandard && page.trim() !== '' && !isFaulty ? page.trim() : undefined;
  const added = new URLSearchParams([
    ...(label.trim() === '' ? [] : [['sid', label.trim()]]),
    ...utmNames.flatMap((name) => ((marks[name] ?? '').trim() === '' ? [] : [[name, (marks[name] ?? '').trim()]])),
    ...(to === undefined ? [] : [['to', to]]),
  ]);
  const url = new URL(link.url);
  for (const [name, value] of added) url.searchParams.set(name, value);
  const picture = (format: 'svg' | 'png') => {
    const query = new URLSearchParams([['format', format], ...added]);
    return `/v1/me/links/${link.id}/qr?${query.toString()}`;
  };
  return (
    <Modal opened onClose={onClose} title={t('link.build')} closeButtonProps={{ 'aria-label': t('close') }}>
      <Stack>
        {profile?.subIdAccess === true ? (
          <TextInput
            label={t('link.subId')}
            description={t('link.subIdHint')}
            maxLength={255}
            value={label}
            onChange={(event) => setLabel(event.currentTarget.value)}
          />
        ) : null}
        {isStandard ? (
          <TextInput
            label={t('link.page')}
            description={t('link.pageHint', { host: hosts.join(', ') })}
            value={page}
            error={isFaulty ? t('link.pageFault', { host: hosts.join(', ') }) : undefined}
            onChange={(event) => setPage(event.currentTarget.value)}
          />
        ) : null}
        <details>
          <Text component="summary" size="sm">
            {t('link.utm')}
          </Text>
          <Box mt="xs">
            <UtmInputs value={marks} onChange={setMarks} />
          </Box>
        </details>
        <div aria-live="polite">
          <Text size="sm" fw={600}>
            {t('link.final')}
          </Text>
          <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
            {url.href}
          </Code>
        </div>
        <Group justify="flex-end">
          <PageTest key={to ?? ''} link={link} to={to} />
          {'share' in navigator ? (
            // Whoever closes the device's own dialog has shared nothing, which is no fault.
            <Button variant="default" onClick={() => void navigator.share({ url: url.href }).catch(() => undefined)}>
              {t('link.share')}
            </Button>
          ) : null}
          <CopyButton value={url.href}>
            {({ copied, copy }) => (
              <Button onClick={copy} aria-label={t('link.copyFinal')}>
                {t(copied ? 'copied' : 'copy')}
              </Button>
            )}
          </CopyButton>
        </Group>
        <Image src={picture('svg')} alt={t('link.qrAlt', { link: url.href })} maw={220} bg="white" />
        <Group gap="sm">
          <Text size="sm">{t('link.qr')}</Text>
          <Anchor href={picture('svg')} download={`${link.slug}.svg`}>
            SVG
          </Anchor>
          <Anchor href={picture('png')} download={`${link.slug}.png`}>
            PNG
          </Anchor>
        </Group>
      </Stack>
    </Modal>
  );
}

/** Asks the page that the address leads to, now. */
function PageTest({ link, to }: { readonly link: OwnLink; readonly to: string | undefined }): ReactElement {
  const { t } = useTranslation();
  const test = useMutation({
    mutationFn: () => postPath<PageCheck>(`/v1/me/links/${link.id}/check`, to === undefined ? {} : { to }),
  });
  const seen = test.data;
  const known = seen === undefined ? link.warnings.some(({ code }) => code === 'destination_unreachable') : undefined;
  return (
    <>
      <div aria-live="polite" style={{ flex: 1 }}>
        {seen === undefined ? null : (
          <Text size="sm">
            {t(seen.warnings.length === 0 ? 'link.pageAnswers' : 'link.pageSilent', { page: seen.url })}
          </Text>
        )}
        {known === true ? <Text size="sm">{t('link.unreachable')}</Text> : null}
        {test.error === null ? null : <ErrorView error={test.error} />}
      </div>
      <Button variant="default" loading={test.isPending} onClick={() => test.mutate()}>
        {t('link.testPage')}
      </Button>
    </>
  );
}
