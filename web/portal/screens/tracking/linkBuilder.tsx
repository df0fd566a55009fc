import { Alert, Anchor, Button, Code, CopyButton, Group, Image, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeProfileOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Link as OwnLink } from '../../../client/types.gen.js';

/** What the redirect takes: a page below the link's own host, or a path of it (api.md 4.1). */
function deepLinkFault(page: string, destinationUrl: string): boolean {
  if (page === '') return false;
  if (!URL.canParse(page, destinationUrl)) return true;
  const url = new URL(page, destinationUrl);
  return url.host !== new URL(destinationUrl).host || !/^https?:$/.test(url.protocol) || url.username !== '';
}

/** A link with a label, or to another page of the shop, and as a picture: the final address is what is shown (screens.md 6, TRK-14, BEY-19). */
export function LinkBuilder({ link, onClose }: { readonly link: OwnLink; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  // Without the grant nothing tells how to label a link (TRK-16).
  const { data: profile } = useQuery(getMeProfileOptions());
  const [label, setLabel] = useState('');
  const [page, setPage] = useState('');
  const isStandard = link.kind === 'standard';
  const isFaulty = isStandard && deepLinkFault(page.trim(), link.destinationUrl);
  const url = new URL(link.url);
  if (label.trim() !== '') url.searchParams.set('sid', label.trim());
  if (isStandard && page.trim() !== '' && !isFaulty) url.searchParams.set('to', page.trim());
  const picture = `/v1/me/links/${link.id}/qr`;
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
            description={t('link.pageHint', { host: new URL(link.destinationUrl).host })}
            value={page}
            error={isFaulty ? t('link.pageFault', { host: new URL(link.destinationUrl).host }) : undefined}
            onChange={(event) => setPage(event.currentTarget.value)}
          />
        ) : null}
        <div aria-live="polite">
          <Text size="sm" fw={600}>
            {t('link.final')}
          </Text>
          <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
            {url.href}
          </Code>
        </div>
        <Group justify="flex-end">
          <CopyButton value={url.href}>
            {({ copied, copy }) => (
              <Button onClick={copy} aria-label={t('link.copyFinal')}>
                {t(copied ? 'copied' : 'copy')}
              </Button>
            )}
          </CopyButton>
        </Group>
        {link.warnings.some(({ code }) => code === 'destination_unreachable') ? (
          <Alert variant="outline" color="amber" c="var(--mantine-color-text)" title={t('link.unreachable')} />
        ) : null}
        <Image src={`${picture}?format=svg`} alt={t('link.qrAlt', { link: link.url })} maw={220} bg="white" />
        <Group gap="sm">
          <Text size="sm">{t('link.qr')}</Text>
          <Anchor href={`${picture}?format=svg`} download={`${link.slug}.svg`}>
            SVG
          </Anchor>
          <Anchor href={`${picture}?format=png`} download={`${link.slug}.png`}>
            PNG
          </Anchor>
        </Group>
      </Stack>
    </Modal>
  );
}
