import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getClicksOptions, getLeadsByLeadIdOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Click, Referral } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { Facts } from '../../../kit/Facts.js';
import { Loaded } from '../../../kit/Loaded.js';
import { useCan } from '../../../kit/session.js';

/** The raw click it began with, and what its lead agreed to (screens.md 4, right column). */
export function ReferralOrigin({ referral }: { readonly referral: Referral }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getClicksOptions({ query: { referralId: referral.id, sort: 'createdAt', limit: 1 } }));
  return (
    <>
      <Loaded query={query} lines={3}>
        {({ data: [click] }) =>
          click === undefined ? (
            <Text size="sm" c="dimmed">
              {t('origin.noClick')}
            </Text>
          ) : (
            <FirstClick click={click} />
          )
        }
      </Loaded>
      <Consent referral={referral} />
    </>
  );
}

function FirstClick({ click }: { readonly click: Click }): ReactElement {
  const { t } = useTranslation();
  // UTM and whatever else its address carried, one line each; a reader without the right to see people has no address.
  const query = [...new URLSearchParams(click.query ?? '')].map(([name, value]): readonly [string, string] => [
    name,
    value,
  ]);
  const subs = [click.sub1, click.sub2, click.sub3, click.sub4, click.sub5].flatMap((value, index) =>
    value === null ? [] : [[`${t('click.sub1')} ${index + 1}`, value] as const],
  );
  const device =
    click.device === null
      ? null
      : [t(`click.device.${click.device.kind}`), click.device.system, click.device.browser]
          .filter((part) => part !== null)
          .join(', ');
  const told: readonly (readonly [string, string | null])[] = [
    [t('click.link'), click.linkSlug],
    [t('tool.campaign'), click.campaign],
    [t('tool.ad'), click.ad],
    ...subs,
    ...query,
    [t('click.device'), device],
    [t('origin.referrer'), click.referrer],
  ];
  return (
    <Facts
      rows={[
        [t('click.at'), <DateText key="at" value={click.createdAt} />],
        ...told.filter(([, value]) => value !== null && value !== ''),
      ]}
    />
  );
}

/** What the person was told and agreed to with the first lead; without a lead nobody was asked. */
function Consent({ referral }: { readonly referral: Referral }): ReactElement | null {
  const { t } = useTranslation();
  const can = useCan();
  const leadId = referral.events.find((event) => event.leadId !== undefined)?.leadId;
  if (leadId === undefined || !can('lead.read')) return null;
  return <LeadConsent leadId={leadId} title={t('origin.consent')} />;
}

function LeadConsent({ leadId, title }: { readonly leadId: string; readonly title: string }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getLeadsByLeadIdOptions({ path: { leadId } }));
  return (
    <Loaded query={query} lines={1}>
      {({ consent }) => (
        <Text size="sm" mt="xs">
          <strong>{title}:</strong>{' '}
          {consent === null ? t('origin.notAsked') : t(consent.given ? 'origin.given' : 'origin.refused')}
          {consent === null || consent.text === '' ? '' : ` · ${consent.text}`}
        </Text>
      )}
    </Loaded>
  );
}
