// The npm `soap` server with as many cameras as wanted, each a listener of its own in one process.
// Arguments: number of cameras, "open" or "signed", user, password, file with the answers as JSON.
"use strict";
const http = require("http");
const crypto = require("crypto");
const fs = require("fs");
const soap = require("soap");

const [count, mode, user, password, file] = process.argv.slice(2);
const answers = JSON.parse(fs.readFileSync(file));

function wsdl(namespace, operations) {
  const each = (make) => operations.map(make).join("");
  return `<?xml version="1.0"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap12/"
  xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:s="${namespace}" targetNamespace="${namespace}">
<types><xs:schema targetNamespace="${namespace}" elementFormDefault="qualified">
${each((o) => `<xs:element name="${o}"><xs:complexType><xs:sequence/></xs:complexType></xs:element>
<xs:element name="${o}Response"><xs:complexType><xs:sequence><xs:any minOccurs="0" maxOccurs="unbounded"/>
</xs:sequence></xs:complexType></xs:element>`)}
</xs:schema></types>
${each((o) => `<message name="${o}Request"><part name="parameters" element="s:${o}"/></message>
<message name="${o}Response"><part name="parameters" element="s:${o}Response"/></message>`)}
<portType name="Port">${each((o) => `<operation name="${o}"><input message="s:${o}Request"/>
<output message="s:${o}Response"/></operation>`)}</portType>
<binding name="Binding" type="s:Port"><soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
${each((o) => `<operation name="${o}"><soap:operation soapAction="${namespace}/${o}"/>
<input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>`)}</binding>
<service name="Service"><port name="Port" binding="s:Binding"><soap:address location="http://127.0.0.1/"/></port></service>
</definitions>`;
}

const text = (value) => (value && typeof value === "object" ? value.$value : value);

function permitted(security) {
  const token = security && security.UsernameToken;
  if (!token) return false;
  const sha = crypto.createHash("sha1");
  sha.update(Buffer.from(text(token.Nonce), "base64")).update(text(token.Created)).update(password);
  const digest = Buffer.from(sha.digest("base64"));
  const sent = Buffer.from(text(token.Password));
  return text(token.Username) === user && sent.length === digest.length && crypto.timingSafeEqual(sent, digest);
}

const services = Object.entries(answers).map(([path, { namespace, operations }]) => {
  const port = {};
  for (const [name, answer] of Object.entries(operations)) port[name] = () => answer;
  return { path, xml: wsdl(namespace, Object.keys(operations)), services: { Service: { Port: port } } };
});

const ports = [];
for (let camera = 0; camera < Number(count); camera++) {
  const server = http.createServer((request, response) => response.writeHead(404).end());
  server.keepAliveTimeout = 60000;
  server.listen(0, "127.0.0.1", () => {
    for (const service of services) {
      const listening = soap.listen(server, { ...service, forceSoap12Headers: true });
      if (mode === "signed") listening.authenticate = permitted;
    }
    ports.push(server.address().port);
    if (ports.length === Number(count)) console.log(JSON.stringify(ports));
  });
}
