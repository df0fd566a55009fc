import { Badge, Button, Checkbox, Group, Paper, Radio, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PortalPerson } from '../client/types.gen.js';
import { FormDialog } from './FormDialog.js';
import { RowMenu } from './RowMenu.js';
import { ScrollRegion } from './ScrollRegion.js';

const columns = ['name', 'email', 'access', 'rights'] as const;
type Rights = PortalPerson['rights'];

export interface PersonDraft {
  readonly name: string;
  readonly email: string;
  readonly rights: Rights;
  readonly portalAccess: boolean;
}

/** Who signs in to an affiliate's portal, and what they may do there (PRT-20); the same list for the affiliate and for staff. */
export function PortalPeople({
  people,
  mayWrite,
  withoutAccess,
  add,
  change,
  remove,
}: {
  readonly people: readonly PortalPerson[];
  readonly mayWrite: boolean;
  /** Staff also keep people who do not sign in, and any login; an affiliate invites, and keeps its own. */
  readonly withoutAccess: boolean;
  readonly add: (draft: PersonDraft, idempotencyKey: string) => Promise<unknown>;
  readonly change: (person: PortalPerson, draft: PersonDraft) => Promise<unknown>;
  readonly remove: (person: PortalPerson) => Promise<unknown>;
}): ReactElement {
  const { t } = useTranslation();
  const [edited, setEdited] = useState<PortalPerson | 'new' | null>(null);
  const [removed, setRemoved] = useState<PortalPerson | null>(null);
  return (
    <Paper withBorder p="md">
      <Stack gap="xs">
        <Group justify="space-between">
          <Title order={2} size="h4">
            {t('person.title')}
          </Title>
          {mayWrite ? (
            <Button variant="default" size="compact-sm" onClick={() => setEdited('new')}>
              {t(withoutAccess ? 'person.add' : 'person.invite')}
            </Button>
          ) : null}
        </Group>
        <Text size="sm" c="dimmed">
          {t('person.text')}
        </Text>
        <ScrollRegion label={t('person.title')}>
          <Table className="resource-table" aria-label={t('person.title')}>
            <Table.Thead>
              <Table.Tr>
                {columns.map((column) => (
                  <Table.Th key={column}>{t(`person.${column}`)}</Table.Th>
                ))}
                {mayWrite ? <Table.Th>{t('person.actions')}</Table.Th> : null}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {people.map((person) => (
                <Table.Tr key={person.id}>
                  <Table.Td data-label={t('person.name')}>{person.name}</Table.Td>
                  <Table.Td data-label={t('person.email')}>{person.email}</Table.Td>
                  <Table.Td data-label={t('person.access')}>
                    <Badge variant="light" color={person.portalAccess ? 'river' : 'gray'}>
                      {t(`person.access.${stateOf(person)}`)}
                    </Badge>
                  </Table.Td>
                  <Table.Td data-label={t('person.rights')}>{t(`person.rights.${person.rights}`)}</Table.Td>
                  {mayWrite ? (
                    <Table.Td>
                      <RowMenu
                        row={person.name}
                        actions={
                          person.isOwn && !withoutAccess
                            ? []
                            : [
                                { key: 'edit', text: t('person.change'), onPress: () => setEdited(person) },
                                {
                                  key: 'remove',
                                  text: t('person.remove'),
                                  isNegative: true,
                                  onPress: () => setRemoved(person),
                                },
                              ]
                        }
                      />
                    </Table.Td>
                  ) : null}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </ScrollRegion>
        {people.length === 0 ? <Text size="sm">{t('person.none')}</Text> : null}
      </Stack>
      {edited === null ? null : (
        <PersonForm
          person={edited === 'new' ? null : edited}
          withoutAccess={withoutAccess}
          save={(draft, key) => (edited === 'new' ? add(draft, key) : change(edited, draft))}
          onClose={() => setEdited(null)}
        />
      )}
      {removed === null ? null : (
        <FormDialog
          title={t('person.removeFor', { name: removed.name })}
          submit={t('person.remove')}
          color="red"
          save={() => remove(removed)}
          onClose={() => setRemoved(null)}
        >
          {() => <Text size="sm">{t('person.removeText')}</Text>}
        </FormDialog>
      )}
    </Paper>
  );
}

function stateOf({ portalAccess, hasSignedIn }: PortalPerson): 'none' | 'signedIn' | 'invited' {
  if (!portalAccess) return 'none';
  return hasSignedIn ? 'signedIn' : 'invited';
}

function PersonForm({
  person,
  withoutAccess,
  save,
  onClose,
}: {
  readonly person: PortalPerson | null;
  readonly withoutAccess: boolean;
  readonly save: (draft: PersonDraft, idempotencyKey: string) => Promise<unknown>;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [name, setName] = useState(person?.name ?? '');
  const [email, setEmail] = useState(person?.email ?? '');
  const [rights, setRights] = useState<Rights>(person?.rights ?? 'view');
  const [portalAccess, setPortalAccess] = useState(person?.portalAccess ?? true);
  const verb = withoutAccess ? 'person.add' : 'person.invite';
  return (
    <FormDialog
      title={person === null ? t(verb) : t('person.changeFor', { name: person.name })}
      submit={t(person === null ? verb : 'save')}
      save={(key) => save({ name: name.trim(), email: email.trim(), rights, portalAccess }, key)}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <TextInput
            label={t('person.name')}
            required
            data-autofocus
            value={name}
            error={errors['name']}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          {person === null ? (
            <TextInput
              label={t('person.email')}
              type="email"
              required
              value={email}
              error={errors['email']}
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
          ) : null}
          {withoutAccess ? (
            <Checkbox
              label={t('person.mayEnter')}
              checked={portalAccess}
              onChange={(event) => setPortalAccess(event.currentTarget.checked)}
            />
          ) : null}
          <Radio.Group label={t('person.rights')} value={rights} onChange={(value) => setRights(value as Rights)}>
            <Stack gap="xs" mt="xs">
              {(['view', 'manage'] as const).map((one) => (
                <Radio key={one} value={one} label={t(`person.rights.${one}`)} description={t(`person.hint.${one}`)} />
              ))}
            </Stack>
          </Radio.Group>
        </>
      )}
    </FormDialog>
  );
}
