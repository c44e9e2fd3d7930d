package lambda

import "github.com/the-alchemiser/alchemiser/internal/localaws/wire"

const (
	functions = "/2015-03-31/functions"
	one       = functions + "/{FunctionName}"
	asyncPath = "/2019-09-25/functions/{FunctionName}/event-invoke-config"
	tagsPath  = "/2017-03-31/tags/{Resource}"
	sources   = "/2015-03-31/event-source-mappings"
	source    = sources + "/{UUID}"
	reserve   = "/2017-10-31/functions/{FunctionName}/concurrency"
)

// API returns the operations.
func (s *Service) API() wire.Service {
	return wire.Service{
		Name: "lambda", Protocol: wire.REST,
		Access: s.access,
		Gaps: []string{
			"Event source mappings read SQS queues only, and work on five batches at once unless told otherwise: they do not scale up.",
			"An invocation by an event source mapping begins a trace of its own, to which those of its messages are not linked.",
			"There are no images, layers, VPCs, function URLs, provisioned concurrency, response streaming and code signing.",
			"What a function takes of memory is looked at every 50 ms and at its end, and limited on Linux only; it has the whole processor, whatever its memory.",
			"Changes take effect at once: nothing is ever Pending or InProgress for the next request, and none is refused for that.",
			"A role that may not write segments loses those that the function sends; Lambda's own are kept.",
		},
		Operations: []wire.Operation{
			wire.Rest("CreateFunction", "POST", functions, s.createFunction),
			wire.Rest("ListFunctions", "GET", functions, s.listFunctions),
			wire.Rest("GetFunction", "GET", one, s.getFunction),
			wire.Rest("DeleteFunction", "DELETE", one, s.deleteFunction),
			wire.Rest("GetFunctionConfiguration", "GET", one+"/configuration", s.getConfiguration),
			wire.Rest("UpdateFunctionConfiguration", "PUT", one+"/configuration", s.updateConfiguration),
			wire.Rest("UpdateFunctionCode", "PUT", one+"/code", s.updateCode),
			wire.Rest("Invoke", "POST", one+"/invocations", s.invokeFunction),
			wire.Rest("PublishVersion", "POST", one+"/versions", s.publishVersion),
			wire.Rest("ListVersionsByFunction", "GET", one+"/versions", s.listVersions),
			wire.Rest("CreateAlias", "POST", one+"/aliases", s.createAlias),
			wire.Rest("ListAliases", "GET", one+"/aliases", s.listAliases),
			wire.Rest("GetAlias", "GET", one+"/aliases/{Name}", s.getAlias),
			wire.Rest("UpdateAlias", "PUT", one+"/aliases/{Name}", s.updateAlias),
			wire.Rest("DeleteAlias", "DELETE", one+"/aliases/{Name}", s.deleteAlias),
			wire.Rest("AddPermission", "POST", one+"/policy", s.addPermission),
			wire.Rest("GetPolicy", "GET", one+"/policy", s.getPolicy),
			wire.Rest("RemovePermission", "DELETE", one+"/policy/{StatementId}", s.removePermission),
			wire.Rest("PutFunctionEventInvokeConfig", "PUT", asyncPath, s.putInvokeConfig),
			wire.Rest("UpdateFunctionEventInvokeConfig", "POST", asyncPath, s.updateInvokeConfig),
			wire.Rest("GetFunctionEventInvokeConfig", "GET", asyncPath, s.getInvokeConfig),
			wire.Rest("DeleteFunctionEventInvokeConfig", "DELETE", asyncPath, s.deleteInvokeConfig),
			wire.Rest("ListFunctionEventInvokeConfigs", "GET", asyncPath+"/list", s.listInvokeConfigs),
			wire.Rest("PutFunctionConcurrency", "PUT", reserve, s.putConcurrency),
			wire.Rest("DeleteFunctionConcurrency", "DELETE", reserve, s.deleteConcurrency),
			wire.Rest("GetFunctionConcurrency", "GET", "/2019-09-30/functions/{FunctionName}/concurrency", s.getConcurrency),
			wire.Rest("GetFunctionCodeSigningConfig", "GET", "/2020-06-30/functions/{FunctionName}/code-signing-config",
				s.getCodeSigning),
			wire.Rest("GetAccountSettings", "GET", "/2016-08-19/account-settings", s.getAccountSettings),
			wire.Rest("CreateEventSourceMapping", "POST", sources, s.createMapping),
			wire.Rest("ListEventSourceMappings", "GET", sources, s.listMappings),
			wire.Rest("GetEventSourceMapping", "GET", source, s.getMapping),
			wire.Rest("UpdateEventSourceMapping", "PUT", source, s.updateMapping),
			wire.Rest("DeleteEventSourceMapping", "DELETE", source, s.deleteMapping),
			wire.Rest("TagResource", "POST", tagsPath, s.tagResource),
			wire.Rest("UntagResource", "DELETE", tagsPath, s.untagResource),
			wire.Rest("ListTags", "GET", tagsPath, s.listTags),
		},
	}
}
