// The loop of a referral, driven by a public FHIR client: the town refers, the hospital answers, the visit takes place, the letter is acknowledged.
// Standard input: { client, base, town, hospital, bundle, service, site, due }. Standard output: one JSON object.
import { readFileSync } from 'node:fs';

const asked = JSON.parse(readFileSync(0, 'utf-8'));
const { Client } = await import(asked.client);
const party = (bearerToken) => {
  const made = new Client({ baseUrl: asked.base });
  made.bearerToken = bearerToken;
  return made;
};
const [town, hospital] = [party(asked.town), party(asked.hospital)];
const part = (name, value) =>
  typeof value === 'object' ? { name, part: Object.entries(value).map(([key, inner]) => part(key, inner)) }
    : { name, [typeof value === 'boolean' ? 'valueBoolean' : typeof value === 'number' ? 'valueInteger' : 'valueString']: value };

async function verb(who, resourceType, id, name, ...parameter) {
  const { meta } = await who.read({ resourceType, id });
  const options = { headers: { 'If-Match': `W/"${meta.versionId}"` } };
  return who.operation({ resourceType, id, name, input: { resourceType: 'Parameters', parameter }, options });
}

const statement = await town.capabilityStatement();
const answer = await town.transaction({ body: asked.bundle });
const made = Object.fromEntries(answer.entry.map(({ response }) => response.location.split('/').slice(-4, -2)));
const task = made.Task;
const list = await hospital.search({
  resourceType: 'Task', searchParams: { owner: `HealthcareService/${asked.service}`, status: 'received', _id: task, _include: 'Task:focus' },
});
await verb(hospital, 'Task', task, 'open');
await verb(hospital, 'Task', task, 'accept');
const found = await hospital.operation({
  resourceType: 'Slot', name: 'find', method: 'GET', input: { services: asked.service, sites: asked.site, priority: 'urgent', limit: 3 },
});
const slot = found.entry[0].resource;
const { focus } = await hospital.read({ resourceType: 'Task', id: task });
const appointment = await hospital.create({
  resourceType: 'Appointment',
  body: {
    resourceType: 'Appointment', status: 'booked', start: slot.start, end: slot.end, basedOn: [focus],
    slot: [{ reference: `Slot/${slot.id}` }], supportingInformation: [{ reference: `Task/${task}` }],
    participant: [{ actor: { reference: `Patient/${made.Patient}` }, status: 'accepted' }],
  },
});
await verb(town, 'Appointment', appointment.id, 'arrive', part('identity-confirmed', true));
await verb(hospital, 'Task', task, 'mark-seen');
await verb(hospital, 'Task', task, 'send-outcome', part('text', asked.letter),
  part('recommendations', { text: 'Revoir à un mois', due: asked.due, owner: 'requester' }));
const children = await town.search({ resourceType: 'Task', searchParams: { 'part-of': `Task/${task}`, status: 'requested,accepted' } });
const owed = children.entry.map(({ resource }) => resource).filter(({ code }) => code.coding[0].code === 'follow-up');
await verb(town, 'Task', task, 'acknowledge', ...owed.map(({ id }) => part('follow_ups', { id, decision: 'accept' })));
const history = await town.history({ resourceType: 'Task', id: task });
const refused = await verb(hospital, 'Task', task, 'accept').catch(({ response }) => response);
console.log(JSON.stringify({
  fhir: statement.fhirVersion, included: list.entry.map(({ resource }) => resource.resourceType).sort(),
  task: await town.read({ resourceType: 'Task', id: task }), versions: history.entry.length,
  refused: [refused.status, refused.data.resourceType],
}));
