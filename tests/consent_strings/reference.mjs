// The IAB's own code: `{"tcf":[model..],"tcf_decode":[text..],"gpp":[{section:{field:value}}..],"gpp_decode":[text..]}` on stdin,
// `{"tcf":[text..],"tcf_decode":[fields|null..],...}` on stdout.
import { readFileSync } from "node:fs";
import { PurposeRestriction, Segment, SegmentEncoder, TCModel, TCString } from "@iabtechlabtcf/core";
import { GppModel } from "@iabgpp/cmpapi";

const asked = JSON.parse(readFileSync(0, "utf8"));
const SEGMENTS = [Segment.CORE, Segment.VENDORS_DISCLOSED, Segment.VENDORS_ALLOWED, Segment.PUBLISHER_TC];

function encodeTcf(given) {
  const model = new TCModel();
  const { plain, vectors, restrictions, segments, created, updated } = given;
  Object.assign(model, plain);
  for (const [name, members] of Object.entries(vectors)) if (members.length) model[name].set(members);
  const everybody = new Set(Array.from({ length: 70 }, (_, at) => at + 1));
  for (const [purpose, kind, vendor] of restrictions) {
    everybody.add(vendor);
    model.publisherRestrictions.add(vendor, new PurposeRestriction(purpose, kind));
  }
  model.publisherRestrictions.gvl_ = { vendorIds: everybody };
  model.created = new Date(created);
  model.lastUpdated = new Date(updated);
  return segments.map((at) => SegmentEncoder.encode(model, SEGMENTS[at])).join(".");
}

const members = (vector) => {
  const found = [];
  vector.forEach((value, id) => value && found.push(id));
  return found;
};

function decodeTcf(text) {
  try {
    const model = TCString.decode(text);
    return {
      version: model.version,
      created: model.created.getTime(),
      updated: model.lastUpdated.getTime(),
      cmp: model.cmpId,
      cmp_version: model.cmpVersion,
      screen: model.consentScreen,
      language: model.consentLanguage,
      list_version: model.vendorListVersion,
      policy: model.policyVersion,
      service_specific: model.isServiceSpecific,
      non_standard: model.useNonStandardTexts,
      purpose_one_treatment: model.purposeOneTreatment,
      country: model.publisherCountryCode,
      special_features: members(model.specialFeatureOptins),
      purposes: members(model.purposeConsents),
      interests: members(model.purposeLegitimateInterests),
      vendors: members(model.vendorConsents),
      vendor_interests: members(model.vendorLegitimateInterests),
      disclosed: members(model.vendorsDisclosed),
      publisher: [
        members(model.publisherConsents),
        members(model.publisherLegitimateInterests),
        members(model.publisherCustomConsents),
        members(model.publisherCustomLegitimateInterests),
      ],
      restrictions: model.publisherRestrictions
        .getRestrictions()
        .flatMap((rule) =>
          model.publisherRestrictions.getVendors(rule).map((vendor) => [rule.purposeId, rule.restrictionType, vendor]),
        ),
    };
  } catch {
    return null;
  }
}

function encodeGpp(sections) {
  const model = new GppModel();
  for (const [section, fields] of Object.entries(sections))
    for (const [field, value] of Object.entries(fields)) model.setFieldValue(section, field, value);
  return model.encode();
}

function decodeGpp(text) {
  try {
    const model = new GppModel(text);
    return { ids: model.getSectionIds(), sections: model.toObject() };
  } catch {
    return null;
  }
}

const answer = {
  tcf: (asked.tcf ?? []).map(encodeTcf),
  tcf_decode: (asked.tcf_decode ?? []).map(decodeTcf),
  gpp: (asked.gpp ?? []).map(encodeGpp),
  gpp_decode: (asked.gpp_decode ?? []).map(decodeGpp),
};
process.stdout.write(JSON.stringify(answer));
