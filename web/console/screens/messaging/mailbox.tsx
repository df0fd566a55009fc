import { Anchor, Button, Group, Paper, Skeleton, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getDevEmailsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { EmptyList } from '../../../kit/EmptyList.js';
import { useAddress } from '../../../kit/router.js';
import { PageHead } from '../../../kit/Shell.js';

/** The local mailbox: whole mails, newest first, with their links to press. */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const { search, change } = useAddress();
  const [to, setTo] = useState(search['to'] ?? '');
  const held = search['to'];
  const { data, error, refetch } = useQuery({
    ...getDevEmailsOptions({ query: { limit: 50, ...(held === undefined ? {} : { to: held }) } }),
    refetchInterval: 5_000,
  });
  const find = (event: FormEvent): void => {
    event.preventDefault();
    change({ to: to.trim() });
  };
  return (
    <>
      <PageHead title={t('mailbox.title')} text={t('mailbox.text')} />
      <form onSubmit={find} role="search">
        <Group align="flex-end" mb="md">
          <TextInput
            label={t('mailbox.search')}
            type="email"
            value={to}
            onChange={(event) => setTo(event.currentTarget.value)}
          />
          <Button type="submit" variant="default">
            {t('mailbox.show')}
          </Button>
        </Group>
      </form>
      {error === null ? null : (
        <ErrorView
          error={error}
          onRetry={() => {
            refetch().catch(() => undefined); // shown by the query itself
          }}
        />
      )}
      {data === undefined && error === null ? <Skeleton height={120} aria-label={t('loading')} /> : null}
      {data?.data.length === 0 ? <EmptyList title={t('mailbox.empty')} /> : null}
      <Stack>
        {data?.data.map((mail) => (
          <Paper withBorder p="md" key={mail.id} component="article">
            <Title order={2} size="h5">
              {mail.subject}
            </Title>
            <Text size="sm" c="dimmed">
              {t('mailbox.to')} {mail.to} · <DateText value={mail.createdAt} />
            </Text>
            <Text style={{ whiteSpace: 'pre-wrap' }} my="xs">
              {mail.text}
            </Text>
            {mail.links.map((link) => (
              <Anchor key={link} href={link} display="block">
                {link}
              </Anchor>
            ))}
          </Paper>
        ))}
      </Stack>
    </>
  );
}
